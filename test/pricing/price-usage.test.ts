import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Usage } from '../../src/metering/usage/usage.ts';
import { totalOf, type Line } from '../../src/pricing/line.ts';
import {
  DOCUMENTED_PRICES,
  documentedPriceBook,
  readPriceBook,
  type PriceBookContent,
} from '../../src/pricing/price-book.ts';
import { priceUsage } from '../../src/pricing/price-usage.ts';
import type { Period } from '../../src/values/period.ts';

const DAY = 86_400n;
const documented = documentedPriceBook();

function days(length: bigint): Period {
  return { start: 1_000_000n, end: 1_000_000n + length * DAY };
}

function book(changes: Partial<PriceBookContent>) {
  return readPriceBook('changed', 0n, { ...DOCUMENTED_PRICES, ...changes });
}

function apps(...rss: readonly bigint[]): Usage {
  return {
    apps: rss.map((one, index) => ({ app: `app${index + 1}`, rssTenths: one * 10n })),
    databases: [],
  };
}

function database(sizeTenths: number, seconds: bigint): Usage {
  return { apps: [], databases: [{ app: 'web', database: 'db1', sizeTenths, seconds }] };
}

function cents(lines: readonly Line[]): bigint[] {
  return lines.map((line) => line.amountCents);
}

test.each([
  ['the first example of the documentation', 1_339_200n, 2_500n],
  ['the second example of the documentation', 8_640_000n, 16_129n],
  ['rounded down', 43_944n, 82n],
  ['rounded up', 43_200n, 81n],
  ['a tie, upwards', 250_000_000n, 466_697n],
  ['just worth a cent', 268n, 1n],
  ['not worth a cent', 267n, 0n],
  ['20 days of 1 × 0.2', 345_600n, 645n],
  ['1,000 × 16 for 31 days', 42_854_400_000n, 79_999_994n],
])('%s: %s replica-size-seconds cost %s cents (R2, R3)', (_what, rss, amount) => {
  expect(cents(priceUsage(days(31n), [{ priceBook: documented, usage: apps(rss) }]))).toEqual([
    amount,
  ]);
});

test('apps are rounded together and get their cents by largest remainder (R4)', () => {
  const charged = [{ priceBook: documented, usage: apps(43_200n, 43_200n, 43_200n) }];
  expect(cents(priceUsage(days(31n), charged))).toEqual([81n, 81n, 80n]);
});

test.each([
  ['0.6 for 10 of 31 days', 31n, 6, 10n * DAY, 806n],
  ['1.7 for 21 of 31 days', 31n, 17, 21n * DAY, 3_387n],
  ['0.6 for 20 of 30 days', 30n, 6, 20n * DAY, 1_667n],
  ['0.6 for all of 28 days', 28n, 6, 28n * DAY, 2_500n],
  ['128 for all of 31 days', 31n, 1280, 31n * DAY, 1_280_000n],
  ['128 for a second', 30n, 1280, 1n, 0n],
  ['128 for two seconds', 30n, 1280, 2n, 1n],
  ['0.6 for 518 s, 0.4996 cents', 30n, 6, 518n, 0n],
  ['0.6 for 519 s, 0.5006 cents', 30n, 6, 519n, 1n],
  ['4 for 756 of 28 days in seconds, 12.5 cents: a tie, upwards', 28n, 40, 756n, 13n],
])(
  'a database of size %s costs its share of a month (R43)',
  (_what, length, size, seconds, amount) => {
    const charged = [{ priceBook: documented, usage: database(size, seconds) }];
    expect(cents(priceUsage(days(length), charged))).toEqual([amount]);
  },
);

test('with months fixed at 31 days a period of 30 days costs 2,419 cents, one of 31 days 2,500 (R43)', () => {
  const fixed = book({ month: { seconds: 2_678_400 } });
  const whole = (length: bigint): bigint[] =>
    cents(priceUsage(days(length), [{ priceBook: fixed, usage: database(6, length * DAY) }]));
  expect([whole(30n), whole(31n)]).toEqual([[2_419n], [2_500n]]);
});

test('each database and size has its own line, rounded by itself, after the apps (R43)', () => {
  const usage: Usage = {
    apps: [{ app: 'web', rssTenths: 2_670n }],
    databases: [
      { app: 'web', database: 'a', sizeTenths: 6, seconds: 1n },
      { app: 'web', database: 'b', sizeTenths: 6, seconds: 10n * DAY },
      { app: 'web', database: 'b', sizeTenths: 17, seconds: 21n * DAY },
    ],
  };
  expect(priceUsage(days(31n), [{ priceBook: documented, usage }])).toEqual([
    {
      kind: 'app',
      app: 'web',
      rssTenths: 2_670n,
      description: 'App web: 267 replica-size-seconds × $0.00001866786',
      amountCents: 0n,
    },
    {
      kind: 'database',
      app: 'web',
      database: 'a',
      sizeTenths: 6,
      seconds: 1n,
      description: 'Database a, size 0.6: 1 of 2678400 s × $25.00',
      amountCents: 0n,
    },
    {
      kind: 'database',
      app: 'web',
      database: 'b',
      sizeTenths: 6,
      seconds: 864_000n,
      description: 'Database b, size 0.6: 864000 of 2678400 s × $25.00',
      amountCents: 806n,
    },
    {
      kind: 'database',
      app: 'web',
      database: 'b',
      sizeTenths: 17,
      seconds: 1_814_400n,
      description: 'Database b, size 1.7: 1814400 of 2678400 s × $50.00',
      amountCents: 3_387n,
    },
  ]);
});

test('no usage makes no lines', () => {
  expect(priceUsage(days(31n), [{ priceBook: documented, usage: apps() }])).toEqual([]);
  expect(priceUsage(days(31n), [])).toEqual([]);
});

describe('prices that change within a period', () => {
  const dearer = book({
    replica_size_second_usd: '0.00003733572',
    database_month_usd: { ...DOCUMENTED_PRICES.database_month_usd, '0.6': '50' },
  });

  test('add up on one line before the one rounding, which says how', () => {
    // 134 × p + 67 × 2p are 268 × p, 0.5003 cents; rounded apart they would be nothing.
    const [line] = priceUsage(days(31n), [
      { priceBook: documented, usage: apps(134n) },
      { priceBook: dearer, usage: apps(67n) },
    ]);
    expect(line).toEqual({
      kind: 'app',
      app: 'app1',
      rssTenths: 2_010n,
      description:
        'App app1: 134 replica-size-seconds × $0.00001866786 + 67 replica-size-seconds × $0.00003733572',
      amountCents: 1n,
    });
  });

  test('cost a database the shares of both months together', () => {
    const [line] = priceUsage(days(30n), [
      { priceBook: documented, usage: database(6, 10n * DAY) },
      { priceBook: dearer, usage: database(6, 20n * DAY) },
    ]);
    expect(line).toMatchObject({
      seconds: 30n * DAY,
      description:
        'Database db1, size 0.6: 864000 of 2592000 s × $25.00 + 1728000 of 2592000 s × $50.00',
      amountCents: 4_167n,
    });
  });
});

describe('for any usage', () => {
  const rss = fc.bigInt({ min: 0n, max: 10n ** 12n });
  const usages = fc.array(rss, { maxLength: 8 });

  test('the app lines add up to one half-up rounding of the whole (R3, R4)', () => {
    fc.assert(
      fc.property(usages, (given) => {
        const lines = priceUsage(days(30n), [{ priceBook: documented, usage: apps(...given) }]);
        const whole = given.reduce((a, b) => a + b, 0n);
        const exactE9 = whole * 1_866_786n;
        expect(totalOf(lines)).toBe((exactE9 + 500_000_000n) / 1_000_000_000n);
      }),
    );
  });

  test('a stretch that is cut in two at the same prices costs the same (R5)', () => {
    fc.assert(
      fc.property(usages, fc.double({ min: 0, max: 1, noNaN: true }), (given, share) => {
        const first = given.map((one) => (one * BigInt(Math.floor(share * 1000))) / 1000n);
        const second = given.map((one, index) => one - first[index]!);
        const whole = priceUsage(days(30n), [{ priceBook: documented, usage: apps(...given) }]);
        const cut = priceUsage(days(30n), [
          { priceBook: documented, usage: apps(...first) },
          { priceBook: documented, usage: apps(...second) },
        ]);
        expect(cents(cut)).toEqual(cents(whole));
      }),
    );
  });
});
