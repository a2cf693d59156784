import { sql, type RawBuilder } from 'kysely';
import type { Db } from '../database/pool.ts';
import { cursorUnknown } from '../values/fault.ts';
import type { Cents } from '../values/money.ts';

/** One movement of an account's credit: granted (positive) or used by an invoice (negative). */
export type CreditEntry = {
  readonly entryId: string;
  readonly kind: string;
  readonly amountCents: Cents;
  readonly invoiceId: string | undefined;
  readonly actor: string;
  readonly reason: string | undefined;
  readonly recordedAt: Date;
};

/**
 * A page of what happened to an account's credit, oldest first, after the entry `after`.
 *
 * @throws Fault `cursor_unknown` when there is no such entry.
 */
export async function pageCredits(
  db: Db,
  accountId: string,
  { after, limit }: { readonly after: string | undefined; readonly limit: number },
): Promise<CreditEntry[]> {
  let query = db
    .selectFrom('ledger_entry')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('book', '=', 'credit')
    .orderBy('recorded_at')
    .orderBy('entry_id')
    .limit(limit);
  if (after !== undefined) {
    const last = await db
      .selectFrom('ledger_entry')
      .select('entry_id')
      .where('account_id', '=', accountId)
      .where('entry_id', '=', after)
      .executeTakeFirst();
    if (last === undefined) throw cursorUnknown(after);
    query = query.where(
      sql<boolean>`(recorded_at, entry_id) > (
        select last.recorded_at, last.entry_id from ledger_entry last
        where last.account_id = ${accountId} and last.entry_id = ${after})`,
    );
  }
  return (await query.execute()).map((row) => ({
    entryId: row.entry_id,
    kind: row.kind,
    amountCents: row.amount_cents,
    invoiceId: row.invoice_id ?? undefined,
    actor: row.actor,
    reason: row.reason ?? undefined,
    recordedAt: row.recorded_at,
  }));
}

/** What an account has available, and its latest movements, the latest first. */
export type Credit = { readonly cents: Cents; readonly latest: readonly CreditEntry[] };

/** That as a column, for a statement that reads more about the account; `toCredit` reads it. */
export function creditOf(accountId: string, limit: number): RawBuilder<CreditJson> {
  const entries = sql`from ledger_entry where account_id = ${accountId} and book = 'credit'`;
  return sql`json_build_object(
    'cents', (select coalesce(sum(amount_cents), 0)::text ${entries}),
    'latest', array(
      select json_build_object('entryId', entry_id, 'kind', kind, 'cents', amount_cents::text,
        'invoiceId', invoice_id, 'actor', actor, 'reason', reason, 'recordedAt', recorded_at)
      ${entries} order by recorded_at desc, entry_id desc limit ${limit}))`;
}

/** Amounts are text: numbers of JSON are floats. */
type CreditJson = {
  readonly cents: string;
  readonly latest: readonly {
    readonly entryId: string;
    readonly kind: string;
    readonly cents: string;
    readonly invoiceId: string | null;
    readonly actor: string;
    readonly reason: string | null;
    readonly recordedAt: string;
  }[];
};

export function toCredit({ cents, latest }: CreditJson): Credit {
  return {
    cents: BigInt(cents),
    latest: latest.map(({ entryId, kind, actor, ...row }) => ({
      entryId,
      kind,
      amountCents: BigInt(row.cents),
      invoiceId: row.invoiceId ?? undefined,
      actor,
      reason: row.reason ?? undefined,
      recordedAt: new Date(row.recordedAt),
    })),
  };
}
