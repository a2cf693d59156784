import { sql } from 'kysely';
import { lockAccounts } from '../accounts/lock.ts';
import { closedTo } from '../accounts/store.ts';
import { numberArray, textArray } from '../database/arrays.ts';
import type { Db } from '../database/pool.ts';
import { later, toSecond, type Second } from '../values/instant.ts';
import { periodAt } from '../values/period.ts';
import type { DueAccount } from './due-period.ts';
import { toDue } from './due-store.ts';

const ACCOUNTS_AT_ONCE = 500;

/**
 * Facts that come after the last period of a deleted account was closed have no next invoice to correct it:
 * gives each such account one more period, to its next boundary, whose invoice carries corrections
 * only (R60). What comes until then is corrected with it. Safe to repeat and to run anywhere at once.
 */
export async function planCorrections(db: Db, now: Date): Promise<void> {
  for (;;) {
    const planned = await db
      .transaction()
      .setIsolationLevel('read committed')
      .execute(async (tx) => await planSome(tx, now));
    if (planned < ACCOUNTS_AT_ONCE) return;
  }
}

async function planSome(tx: Db, now: Date): Promise<number> {
  const found = await selectLate(tx).select('account_id').limit(ACCOUNTS_AT_ONCE).execute();
  const accountIds = found.map((row) => row.account_id);
  if (accountIds.length === 0) return 0;
  await lockAccounts(tx, accountIds);
  const late = await selectLate(tx)
    .select(['account_id', 'signed_up_at', closedTo().as('closedTo')])
    .where('account_id', 'in', accountIds)
    .execute();
  const nextCloses = late.map(({ signed_up_at: signedUpAt, closedTo: end }) =>
    correctedAt(signedUpAt, end, toSecond(now)),
  );
  await sql`
    update account set next_close_at = planned.next_close_at
    from unnest(
      ${textArray(late.map((row) => row.account_id))}::text[],
      ${numberArray(nextCloses)}::bigint[]
    ) as planned (account_id, next_close_at)
    where account.account_id = planned.account_id`.execute(tx);
  return accountIds.length;
}

/** What such an account would be given now, without giving it; undefined when nothing of it is to be corrected. */
export async function planFor(
  db: Db,
  accountId: string,
  now: Second,
): Promise<DueAccount | undefined> {
  const row = await selectLate(db)
    .selectAll()
    .select(closedTo().as('closedTo'))
    .where('account_id', '=', accountId)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return toDue({ ...row, next_close_at: correctedAt(row.signed_up_at, row.closedTo, now) });
}

/** The first boundary at or after `now`, and after the closed periods. */
function correctedAt(signedUpAt: Second, closedUntil: Second, now: Second): Second {
  return periodAt(signedUpAt, later(closedUntil + 1n, now) - 1n).end;
}

function selectLate(db: Db) {
  return db
    .selectFrom('account')
    .where('late_since', 'is not', null)
    .where('deleted_at', 'is not', null)
    .where('next_close_at', 'is', null);
}
