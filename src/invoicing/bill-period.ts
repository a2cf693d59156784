import { tierOfPeriodEnding, type Account, type Tier } from '../accounts/account.ts';
import { segmentUsage, type Segment } from '../metering/usage/segments.ts';
import type { Usage } from '../metering/usage/usage.ts';
import { totalOf, type Line } from '../pricing/line.ts';
import type { PriceBook } from '../pricing/price-book.ts';
import { priceUsage } from '../pricing/price-usage.ts';
import type { Second } from '../values/instant.ts';
import type { Cents } from '../values/money.ts';
import type { Period } from '../values/period.ts';
import { stretchesOf } from './stretches.ts';

/** What a period comes to, before credits and carried balances. */
export type PeriodBill = {
  readonly tier: Tier;
  /** All that was used, charged or not (R18). */
  readonly usage: Usage;
  readonly lines: readonly Line[];
  readonly totalCents: Cents;
};

/**
 * Bills a period from segments, purely; `countedTo` ends what is counted of it, at most its end. The close
 * does the same from series: the two must agree.
 */
export function billPeriod(
  account: Pick<Account, 'upgradedAt'>,
  segments: readonly Segment[],
  priceBooks: readonly PriceBook[],
  period: Period,
  countedTo: Second,
): PeriodBill {
  const window = { from: period.start, to: countedTo };
  const charged = stretchesOf(window, account.upgradedAt, priceBooks).map((stretch) => ({
    priceBook: stretch.priceBook,
    usage: segmentUsage(segments, stretch),
  }));
  const lines = priceUsage(period, charged);
  return {
    tier: tierOfPeriodEnding(account, countedTo),
    usage: segmentUsage(segments, window),
    lines,
    totalCents: totalOf(lines),
  };
}
