import { tierAt, type Account, type Tier } from '../accounts/account.ts';
import type { Db } from '../database/pool.ts';
import { usageOf } from '../metering/usage-store.ts';
import type { Usage } from '../metering/usage.ts';
import { totalOf, type Line } from '../pricing/line.ts';
import { priceUsage } from '../pricing/price-usage.ts';
import { listPriceBooks } from '../pricing/store.ts';
import { earlier, type Second } from '../values/instant.ts';
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
  const priceBooks = await listPriceBooks(db);
  const countedTo = account.deletedAt === undefined ? at : earlier(at, account.deletedAt);
  const period = periodAt(account.signedUpAt, countedTo);
  const window = { from: period.start, to: countedTo };
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
    countedTo,
    tier: tierAt(account, countedTo),
    usage: usage!,
    lines,
    totalCents: totalOf(lines),
  };
}
