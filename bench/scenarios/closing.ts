import assert from 'node:assert/strict';
import type { Db } from '../../src/database/pool.ts';
import { closeDuePeriods } from '../../src/invoicing/close-periods.ts';
import { SIGNED_UP } from '../reports.ts';

const MONTH = 31 * 86_400;
export const PERIOD_END = SIGNED_UP + MONTH;
/** The month is over, and the hour in which late facts are waited for. */
const CLOSE_AT = new Date((PERIOD_END + 3_600) * 1000);

/** Their closing comes first and is not counted: new connections read catalogs and plan. */
export const FIRST_ACCOUNTS = 100;

/** Closes what is due: a period, with an invoice, for each of so many accounts. */
export async function closeAll(db: Db, accounts: number): Promise<void> {
  const closed = await closeDuePeriods(db, CLOSE_AT, {
    graceSeconds: 3_600n,
    onFailure: (account, error) => {
      throw new Error(`${account} was not closed`, { cause: error });
    },
  });
  assert.deepEqual(closed, { periods: accounts, invoices: accounts });
}

/** The documented price of the month, worked out here once more: half up, once for each account (R1). */
export async function checkTotals(
  db: Db,
  unitsByAccount: ReadonlyMap<string, bigint>,
): Promise<void> {
  const rows = await db.selectFrom('invoice').select(['account_id', 'total_cents']).execute();
  const billed = new Map(rows.map((row) => [row.account_id, row.total_cents]));
  for (const [account, units] of unitsByAccount) {
    const hundredMillionths = units * 1_866_786n;
    const cents = (hundredMillionths + 5_000_000_000n) / 10_000_000_000n;
    assert.equal(billed.get(account), cents < 50n ? 0n : cents, account);
  }
}
