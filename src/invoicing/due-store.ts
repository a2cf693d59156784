import { sql, type Selectable } from 'kysely';
import { lockFreeAccounts } from '../accounts/lock.ts';
import { closedTo, toAccount } from '../accounts/store.ts';
import type { Db } from '../database/pool.ts';
import type { Account } from '../database/tables.ts';
import type { Second } from '../values/instant.ts';
import type { DueAccount } from './due-period.ts';

/** Accounts with a period that ended by `endedBy`, or by their deletion by `until`; the longest due first. */
export async function findDue(
  db: Db,
  until: Second,
  endedBy: Second,
  except: readonly string[],
  limit: number,
): Promise<string[]> {
  const { rows } = await sql<{ account_id: string }>`
    select account_id from account
    where ${isDue(until, endedBy)} and account_id <> all (${except}::text[])
    order by next_close_at limit ${limit}`.execute(db);
  return rows.map((row) => row.account_id);
}

/**
 * Takes due accounts that nobody else holds, with their lock, until the transaction ends: any number of
 * workers share what is due, and none waits for another; the first ones may all be with others, then more are
 * looked at. Of another moment than the lock: read them again. The locks are taken by a statement of their own,
 * which reads no table: on Citus another one may run on any node.
 */
export async function takeDue(
  tx: Db,
  until: Second,
  endedBy: Second,
  except: readonly string[],
  limit: number,
): Promise<string[]> {
  for (let looked = 2 * limit; ; looked *= 4) {
    const due = await findDue(tx, until, endedBy, except, looked);
    const taken = await lockFreeAccounts(tx, due, limit);
    if (taken.length > 0 || due.length < looked) return taken;
  }
}

/** Those of the accounts that are due still. Call it with their lock held. */
export async function readDue(
  tx: Db,
  until: Second,
  endedBy: Second,
  accountIds: readonly string[],
): Promise<DueAccount[]> {
  const rows = await selectOpen(tx, accountIds).where(isDue(until, endedBy)).execute();
  return rows.map(toDue);
}

/** An account with its oldest open period; undefined when it has none. */
export async function readOpen(db: Db, accountId: string): Promise<DueAccount | undefined> {
  const row = await selectOpen(db, [accountId]).executeTakeFirst();
  return row && toDue(row);
}

function selectOpen(db: Db, accountIds: readonly string[]) {
  return db
    .selectFrom('account')
    .selectAll()
    .select(
      sql<Second | null>`case when deleted_at < next_close_at then ${closedTo()} end`.as(
        'closedTo',
      ),
    )
    .where('account_id', '=', sql<string>`any(${accountIds})`)
    .where('next_close_at', 'is not', null);
}

/** An account row as due; `closedTo` is where its closed periods end, for one that ended before. */
export function toDue(row: Selectable<Account> & { readonly closedTo: Second | null }): DueAccount {
  return {
    ...toAccount(row),
    closeAt: row.next_close_at!,
    closedTo: row.closedTo ?? undefined,
    lateSince: row.late_since ?? undefined,
  };
}

function isDue(until: Second, endedBy: Second) {
  return sql<boolean>`next_close_at <= ${until}
    and (next_close_at <= ${endedBy} or next_close_at = deleted_at)`;
}
