import { sql, type Expression, type RawBuilder } from 'kysely';
import { textArray } from '../database/arrays.ts';
import type { Db } from '../database/pool.ts';

/**
 * Holds the given accounts until the transaction ends. Whoever writes what is derived from an account's
 * events takes this first, in a statement of its own: the next statement's READ COMMITTED snapshot then
 * sees everything that was folded before. Keys are taken in one order, so two batches cannot deadlock.
 */
export async function lockAccounts(tx: Db, accountIds: readonly string[]): Promise<void> {
  await sql`/* prepare lock_accounts */
    select count(pg_advisory_xact_lock(key)) from (
      select distinct hashtextextended(account_id, 0) as key
      from unnest(${textArray(accountIds)}::text[]) as account_id order by key
    ) as keys`.execute(tx);
}

/**
 * Holds those of the given accounts that nobody else holds, without waiting, and answers which: the first ones, at
 * most `limit`.
 */
export async function lockFreeAccounts(
  tx: Db,
  accountIds: readonly string[],
  limit = accountIds.length,
): Promise<string[]> {
  const { rows } = await sql<{ account_id: string }>`/* prepare lock_free_accounts */
    select account_id from unnest(${textArray(accountIds)}::text[]) as account_id
    where ${tryLockAccount(sql.ref('account_id'))} limit ${limit}`.execute(tx);
  return rows.map((row) => row.account_id);
}

/** SQL that takes the same lock of one account when nobody holds it, and says whether it did; it never waits. */
function tryLockAccount(accountId: Expression<unknown>): RawBuilder<boolean> {
  return sql`pg_try_advisory_xact_lock(hashtextextended(${accountId}, 0))`;
}
