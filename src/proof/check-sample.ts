import { sql } from 'kysely';
import type { Db } from '../database/pool.ts';
import { rebuildSeries, type Drift } from '../metering/series/rebuild-series.ts';
import { isProven, verifyAccount, type Verification } from './verify-account.ts';

export type CheckedAccount = {
  readonly account: string;
  readonly verification: Verification;
  /** Derived rows that are not what the facts say; left as they are for somebody to look at. */
  readonly drifts: readonly Drift[];
};

/**
 * Proves some accounts, others every day, and answers those that are not what their facts say. Changes
 * nothing.
 */
export async function checkSample(db: Db, day: string, count: number): Promise<CheckedAccount[]> {
  const { rows } = await sql<{ account_id: string }>`
    select account_id from account order by md5(account_id || ${day}) limit ${count}`.execute(db);
  const wrong: CheckedAccount[] = [];
  for (const { account_id: account } of rows) {
    const verification = await verifyAccount(db, account);
    const drifts = await rebuildSeries(db, [account], true);
    if (!isProven(verification) || drifts.length > 0) wrong.push({ account, verification, drifts });
  }
  return wrong;
}
