import type { Tier } from '../../accounts/account.ts';
import { usageAtLevels, type Levels } from '../../metering/usage/levels.ts';
import type { Usage } from '../../metering/usage/usage.ts';
import { totalOf, type Line } from '../../pricing/line.ts';
import type { PriceBook } from '../../pricing/price-book.ts';
import { priceUsage } from '../../pricing/price-usage.ts';
import type { Cents } from '../../values/money.ts';
import type { Period } from '../../values/period.ts';

export type Rate = {
  readonly usage: Usage;
  readonly lines: readonly Line[];
  readonly totalCents: Cents;
};

/**
 * What levels cost when they stay so for the whole of a billing period, which databases' months are measured
 * by. Free in the FREE tier (R18).
 */
export function runRate(
  levels: Levels,
  terms: { readonly tier: Tier; readonly priceBook: PriceBook; readonly period: Period },
): Rate {
  const { tier, priceBook, period } = terms;
  const usage = usageAtLevels(levels, period.end - period.start);
  const lines = tier === 'FREE' ? [] : priceUsage(period, [{ priceBook, usage }]);
  return { usage, lines, totalCents: totalOf(lines) };
}
