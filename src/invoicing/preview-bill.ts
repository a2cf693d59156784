import { tierAt, type Account, type Tier } from '../accounts/account.ts';
import type { Db } from '../database/pool.ts';
import { usageOf } from '../metering/usage-store.ts';
import type { Usage, Window } from '../metering/usage.ts';
import { totalOf, type Line } from '../pricing/line.ts';
import { priceUsage } from '../pricing/price-usage.ts';
import { priceBooksOf } from '../pricing/store.ts';
import { earlier, later, type Second } from '../values/instant.ts';
import type { Cents } from '../values/money.ts';
import { periodAt, type Period } from '../values/period.ts';
import { stretchesOf } from './stretches.ts';

export type BillPreview = {
  readonly period: Period;
  /** What is counted ends here: now, or the account's deletion. */
  readonly countedTo: Second;
  readonly tier: Tier;
  readonly usage: Usage;
  readonly lines: readonly Line[];
  readonly totalCents: Cents;
};

/**
 * What the running period has come to so far, as its close would bill it if it ended now (R32), before
 * credits. It counts up to `at`, at most to the account's deletion.
 */
export async function previewBill(db: Db, account: Account, at: Second): Promise<BillPreview> {
  const period = runningPeriod(account, at);
  const countedTo = lastCounted(account, at);
  return await billWindow(db, account, period, { from: period.start, to: countedTo });
}

/**
 * What the running period will come to by its end when nothing changes any more: the levels of `at` go on,
 * prices that are known to change change.
 */
export async function forecastBill(db: Db, account: Account, at: Second): Promise<BillPreview> {
  const period = runningPeriod(account, at);
  const countedTo = lastCounted(account, period.end);
  return await billWindow(db, account, period, { from: period.start, to: countedTo });
}

/** What a window within one billing period costs by itself. */
export async function billWindow(
  db: Db,
  account: Account,
  period: Period,
  window: Window,
): Promise<BillPreview> {
  const priceBooks = await priceBooksOf(db, account.id);
  const stretches = stretchesOf(window, account.upgradedAt, priceBooks);
  const [usage, ...charged] = await usageOf(
    db,
    [window, ...stretches].map(({ from, to }) => ({ account: account.id, from, to })),
  );
  const lines = priceUsage(
    period,
    stretches.map(({ priceBook }, index) => ({ priceBook, usage: charged[index]! })),
  );
  return {
    period,
    countedTo: window.to,
    tier: tierAt(account, window.to),
    usage: usage!,
    lines,
    totalCents: totalOf(lines),
  };
}

/** The billing period that `at` lies in; the last one of a deleted account, the first before its sign-up. */
export function runningPeriod(
  account: Pick<Account, 'signedUpAt' | 'deletedAt'>,
  at: Second,
): Period {
  return periodAt(account.signedUpAt, later(account.signedUpAt, lastCounted(account, at)));
}

/** Nothing is counted after the account's deletion. */
export function lastCounted(account: Pick<Account, 'deletedAt'>, at: Second): Second {
  return account.deletedAt === undefined ? at : earlier(at, account.deletedAt);
}
