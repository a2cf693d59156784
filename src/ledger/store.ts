import { sql } from 'kysely';
import type { Db } from '../database/pool.ts';
import type { Balances, LedgerEntry } from './entry.ts';

const EMPTY: Balances = { credit: 0n, carried: 0n, written_off: 0n, cash: 0n };

/** Writes entries; those that exist already stay as they are. Safe to repeat. */
export async function addEntries(
  db: Db,
  now: Date,
  entries: readonly LedgerEntry[],
): Promise<void> {
  if (entries.length === 0) return;
  await db
    .insertInto('ledger_entry')
    .values(
      entries.map((entry) => ({
        account_id: entry.accountId,
        entry_id: entry.entryId,
        book: entry.book,
        kind: entry.kind,
        amount_cents: entry.amountCents,
        invoice_id: entry.invoiceId ?? null,
        actor: entry.actor,
        reason: entry.reason ?? null,
        recorded_at: now,
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** The balances of many accounts at once; every account asked for has an entry in the answer. */
export async function balancesOf(
  db: Db,
  accountIds: readonly string[],
): Promise<Map<string, Balances>> {
  const balances = new Map(accountIds.map((accountId) => [accountId, EMPTY]));
  const rows = await db
    .selectFrom('ledger_entry')
    .select(['account_id', 'book', sql<bigint>`sum(amount_cents)::bigint`.as('cents')])
    .where('account_id', '=', sql<string>`any(${accountIds})`)
    .groupBy(['account_id', 'book'])
    .execute();
  for (const { account_id, book, cents } of rows) {
    balances.set(account_id, { ...balances.get(account_id)!, [book]: cents });
  }
  return balances;
}
