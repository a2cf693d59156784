import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatSecond, parseInstant, type Second } from '../../src/values/instant.ts';
import { boundary, periodAt, periodsUntil } from '../../src/values/period.ts';

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function second(text: string): Second {
  return parseInstant(text)!.second;
}

/** The boundary as R29 words it, put together from year, month and day as text. */
function spelledBoundary(anchor: string, n: number): string {
  const [, year, month, day, time] = /^(\d{4})-(\d\d)-(\d\d)(T.*)$/.exec(anchor)!;
  const months = Number(year) * 12 + Number(month) - 1 + n;
  const toYear = Math.floor(months / 12);
  const isLeap = (toYear % 4 === 0 && toYear % 100 !== 0) || toYear % 400 === 0;
  const length = DAYS[months % 12]! + (months % 12 === 1 && isLeap ? 1 : 0);
  const toDay = Math.min(Number(day), length);
  const pad = (value: number): string => String(value).padStart(2, '0');
  return `${toYear}-${pad((months % 12) + 1)}-${pad(toDay)}${time}`;
}

// Starting in January 2022, 48 months hold every month four times and the leap day of 2024.
const anchors = Array.from(
  { length: 31 },
  (_, index) => `2022-01-${String(index + 1).padStart(2, '0')}T23:59:59Z`,
);

test.each(anchors)('48 months from %s tile, each counted from the sign-up (R29)', (anchor) => {
  const signedUpAt = second(anchor);
  const boundaries = Array.from({ length: 49 }, (_, n) => boundary(signedUpAt, n));
  expect(boundaries.map(formatSecond)).toEqual(
    boundaries.map((_, n) => spelledBoundary(anchor, n)),
  );
  const periods = periodsUntil(signedUpAt, boundaries[48]! - 1n);
  expect(periods).toEqual(
    boundaries.slice(0, -1).map((start, n) => ({ start, end: boundaries[n + 1]! })),
  );
  for (const period of periods) {
    expect(periodAt(signedUpAt, period.start)).toEqual(period);
    expect(periodAt(signedUpAt, period.end - 1n)).toEqual(period);
    expect(periodAt(signedUpAt, period.end).start).toBe(period.end);
  }
});

test('a sign-up on the 31st comes back to the 31st after shorter months (R29)', () => {
  const days = Array.from({ length: 14 }, (_, n) =>
    formatSecond(boundary(second('2026-01-31T10:00:00Z'), n)),
  );
  expect(days).toEqual([
    '2026-01-31T10:00:00Z',
    '2026-02-28T10:00:00Z',
    '2026-03-31T10:00:00Z',
    '2026-04-30T10:00:00Z',
    '2026-05-31T10:00:00Z',
    '2026-06-30T10:00:00Z',
    '2026-07-31T10:00:00Z',
    '2026-08-31T10:00:00Z',
    '2026-09-30T10:00:00Z',
    '2026-10-31T10:00:00Z',
    '2026-11-30T10:00:00Z',
    '2026-12-31T10:00:00Z',
    '2027-01-31T10:00:00Z',
    '2027-02-28T10:00:00Z',
  ]);
});

test('a sign-up on a leap day comes back to the 29th, and to a leap day after four years (R29)', () => {
  const signedUpAt = second('2016-02-29T00:00:00Z');
  const februaries = [0, 12, 24, 36, 48].map((n) => formatSecond(boundary(signedUpAt, n)));
  expect(februaries).toEqual([
    '2016-02-29T00:00:00Z',
    '2017-02-28T00:00:00Z',
    '2018-02-28T00:00:00Z',
    '2019-02-28T00:00:00Z',
    '2020-02-29T00:00:00Z',
  ]);
  expect(formatSecond(boundary(signedUpAt, 13))).toBe('2017-03-29T00:00:00Z');
});

test('the century rule of leap years holds: 2000 has a leap day, 2100 has none', () => {
  expect(formatSecond(boundary(second('2000-01-30T00:00:00Z'), 1))).toBe('2000-02-29T00:00:00Z');
  expect(formatSecond(boundary(second('2100-01-30T00:00:00Z'), 1))).toBe('2100-02-28T00:00:00Z');
});

describe('for any sign-up and any instant after it', () => {
  const signUp = fc.bigInt({
    min: second('2000-01-01T00:00:00Z'),
    max: second('2099-12-31T23:59:59Z'),
  });
  const life = fc.bigInt({ min: 0n, max: 12n * 366n * 86_400n });

  test('exactly one period holds the instant: periodAt is the inverse of the boundaries', () => {
    fc.assert(
      fc.property(signUp, life, (signedUpAt, after) => {
        const at = signedUpAt + after;
        const { start, end } = periodAt(signedUpAt, at);
        expect(start <= at && at < end).toBe(true);
        const n = periodsUntil(signedUpAt, at).length - 1;
        expect([start, end]).toEqual([boundary(signedUpAt, n), boundary(signedUpAt, n + 1)]);
      }),
    );
  });

  test('the periods until then tile: no gap, no overlap, from the sign-up on', () => {
    fc.assert(
      fc.property(signUp, life, (signedUpAt, after) => {
        const periods = periodsUntil(signedUpAt, signedUpAt + after);
        expect(periods[0]!.start).toBe(signedUpAt);
        expect(periods.slice(1).map(({ start }) => start)).toEqual(
          periods.slice(0, -1).map(({ end }) => end),
        );
        for (const { start, end } of periods) {
          expect(end - start >= 28n * 86_400n && end - start <= 31n * 86_400n).toBe(true);
        }
      }),
    );
  });

  test('a boundary falls on the time of day of the sign-up, on its day or the last of the month', () => {
    fc.assert(
      fc.property(signUp, fc.integer({ min: 0, max: 600 }), (signedUpAt, n) => {
        expect(formatSecond(boundary(signedUpAt, n))).toBe(
          spelledBoundary(formatSecond(signedUpAt), n),
        );
      }),
    );
  });
});

test('an instant before the sign-up has no periods', () => {
  const signedUpAt = second('2026-01-01T00:00:00Z');
  expect(periodsUntil(signedUpAt, signedUpAt - 1n)).toEqual([]);
});
