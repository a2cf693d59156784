import { daysInMonth, toDate, type Second } from './instant.ts';

/** A billing period of an account: half-open, [start, end), UTC (R29, D5). */
export type Period = { readonly start: Second; readonly end: Second };

/**
 * The n-th boundary of an account's periods (n ≥ 0): its sign-up plus n months at the same time of day,
 * clamped to the last day of a shorter month. Always counted from the sign-up, never from the boundary
 * before, so 31 January leads over 28 February back to 31 March (R29).
 */
export function boundary(signedUpAt: Second, n: number): Second {
  const anchor = toDate(signedUpAt);
  const year = anchor.getUTCFullYear();
  const monthIndex = anchor.getUTCMonth() + n;
  const day = Math.min(anchor.getUTCDate(), daysInMonth(year, monthIndex));
  const midnight = Date.UTC(year, monthIndex, day) / 1000;
  return BigInt(midnight) + secondOfDay(signedUpAt);
}

/** The period that holds `at`: its start is the last boundary not after `at`. `at` ≥ `signedUpAt`. */
export function periodAt(signedUpAt: Second, at: Second): Period {
  const n = periodNumberAt(signedUpAt, at);
  return { start: boundary(signedUpAt, n), end: boundary(signedUpAt, n + 1) };
}

/** All periods from sign-up to the one that holds `until`, oldest first; none when `until` is before sign-up. */
export function periodsUntil(signedUpAt: Second, until: Second): Period[] {
  if (until < signedUpAt) return [];
  const last = periodNumberAt(signedUpAt, until);
  return Array.from({ length: last + 1 }, (_, n) => ({
    start: boundary(signedUpAt, n),
    end: boundary(signedUpAt, n + 1),
  }));
}

function periodNumberAt(signedUpAt: Second, at: Second): number {
  const from = toDate(signedUpAt);
  const to = toDate(at);
  const months =
    (to.getUTCFullYear() - from.getUTCFullYear()) * 12 + to.getUTCMonth() - from.getUTCMonth();
  return boundary(signedUpAt, months) <= at ? months : months - 1;
}

function secondOfDay(at: Second): bigint {
  const day = 86_400n;
  return ((at % day) + day) % day;
}
