import { fraction, times, type Fraction } from '../values/fraction.ts';
import type { Period } from '../values/period.ts';
import type { PriceBook } from './price-book.ts';

/** What usage costs exactly, before any rounding. */
export function appCents(
  { centsPerReplicaSizeSecond: { numerator, denominator } }: PriceBook,
  rssTenths: bigint,
): Fraction {
  return times(fraction(numerator, denominator * 10n), rssTenths);
}

/** A database's share of its month's price (R43); `period` is its whole billing period. */
export function databaseCents(
  priceBook: PriceBook,
  period: Period,
  { sizeTenths, seconds }: { readonly sizeTenths: number; readonly seconds: bigint },
): Fraction {
  const monthCents = priceBook.databaseMonthCents.get(sizeTenths)!;
  return fraction(monthCents * seconds, monthSecondsOf(priceBook, period));
}

export function monthSecondsOf({ monthSeconds }: PriceBook, period: Period): bigint {
  return monthSeconds === 'billing_period' ? period.end - period.start : monthSeconds;
}
