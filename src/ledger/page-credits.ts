import { sql } from 'kysely';
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
