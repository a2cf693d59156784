import { sql, type RawBuilder } from 'kysely';
import { numberArray, textArray } from '../database/arrays.ts';
import type { Db } from '../database/pool.ts';
import {
  toUnconfirmed,
  type Unconfirmed,
  type UnconfirmedJson,
} from '../sources/silence/unconfirmed.ts';
import { groupBy } from '../values/group.ts';
import type { Second } from '../values/instant.ts';

type NewInvoice = {
  readonly accountId: string;
  readonly invoiceId: string;
  readonly start: Second;
  readonly end: Second;
};

/**
 * Freezes with new invoices what nobody confirmed of their periods (policy `flag`): whoever is heard of later
 * changes what is known of the time, not what an invoice said.
 */
export async function saveUnconfirmed(tx: Db, invoices: readonly NewInvoice[]): Promise<void> {
  await sql`
    insert into invoice_unconfirmed (account_id, invoice_id, source, began_at, ended_at)
    select account_id, invoice_id, source, began_at, ended_at
    from unnest(
      ${textArray(invoices.map(({ accountId }) => accountId))}::text[],
      ${textArray(invoices.map(({ invoiceId }) => invoiceId))}::text[],
      ${numberArray(invoices.map(({ start }) => start))}::bigint[],
      ${numberArray(invoices.map(({ end }) => end))}::bigint[]
    ) as invoiced (account_id, invoice_id, period_start, period_end)
    join unconfirmed_usage using (account_id)
    where began_at < period_end and (ended_at is null or ended_at > period_start)`.execute(tx);
}

/** An invoice that asks again for the same as another one says the same. */
export async function copyUnconfirmed(
  tx: Db,
  accountId: string,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<void> {
  await sql`
    insert into invoice_unconfirmed (account_id, invoice_id, source, began_at, ended_at)
    select account_id, ${to}, source, began_at, ended_at from invoice_unconfirmed
    where account_id = ${accountId} and invoice_id = ${from}`.execute(tx);
}

/** What nobody had confirmed of an invoice's period when it was made, the earliest first. */
export async function unconfirmedOnInvoice(
  db: Db,
  accountId: string,
  invoiceId: string,
): Promise<readonly Unconfirmed[]> {
  const { rows } = await sql<{ readonly times: readonly UnconfirmedJson[] }>`
    select ${unconfirmedOn(accountId, sql`${invoiceId}`)} as times`.execute(db);
  return toUnconfirmed(rows[0]!.times);
}

/** The same of all invoices of an account that have any, by invoice. */
export async function unconfirmedOnInvoices(
  db: Db,
  accountId: string,
): Promise<ReadonlyMap<string, readonly Unconfirmed[]>> {
  const rows = await db
    .selectFrom('invoice_unconfirmed')
    .select(['invoice_id', 'source', 'began_at as from', 'ended_at'])
    .where('account_id', '=', accountId)
    .orderBy('began_at')
    .orderBy('source')
    .execute();
  const times = rows.map(({ ended_at, ...row }) => ({ ...row, to: ended_at ?? undefined }));
  return groupBy(times, (row) => row.invoice_id);
}

/** That as a column, for a statement that reads more about the invoice; `toUnconfirmed` reads it. */
export function unconfirmedOn(
  accountId: string,
  invoiceId: RawBuilder<unknown>,
): RawBuilder<readonly UnconfirmedJson[]> {
  return sql`array(
    select json_build_object('source', source, 'from', began_at::text, 'to', ended_at::text)
    from invoice_unconfirmed
    where account_id = ${accountId} and invoice_id = ${invoiceId}
    order by began_at, source)`;
}
