import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readAccountPrice, withAccountPrices } from '../../src/pricing/account-price.ts';
import { DOCUMENTED_PRICES, priceBookAt, readPriceBook } from '../../src/pricing/price-book.ts';

const book = (id: string, at: bigint, usd: string) =>
  readPriceBook(id, at, { ...DOCUMENTED_PRICES, replica_size_second_usd: usd });
const books = [book('first', 0n, '0.1'), book('second', 50n, '0.2'), book('third', 80n, '0.3')];

const own = (id: string, from: bigint, to: bigint | undefined, usd = '0.01') =>
  readAccountPrice(id, from, to, { replica_size_second_usd: usd });

function appUsd(prices: ReturnType<typeof own>[], at: bigint): string {
  return priceBookAt(withAccountPrices(books, prices), at).replicaSizeSecondUsd;
}

test("an account's own price holds from its first second to the one before its end", () => {
  const prices = [own('deal', 20n, 60n)];
  expect([19n, 20n, 49n, 50n, 59n, 60n, 80n].map((at) => appUsd(prices, at))).toEqual([
    '0.1',
    '0.01',
    '0.01',
    '0.01',
    '0.01',
    '0.2',
    '0.3',
  ]);
});

test('a price until further notice outlasts later books', () => {
  expect([29n, 30n, 1000n].map((at) => appUsd([own('deal', 30n, undefined)], at))).toEqual([
    '0.1',
    '0.01',
    '0.01',
  ]);
});

test('what an own price leaves open stays the price of the book in force', () => {
  const prices = [readAccountPrice('deal', 20n, 60n, { database_month_usd: { '4': '300.50' } })];
  const at = (second: bigint) => priceBookAt(withAccountPrices(books, prices), second);
  expect([at(20n).replicaSizeSecondUsd, at(50n).replicaSizeSecondUsd]).toEqual(['0.1', '0.2']);
  expect([at(19n), at(20n), at(59n), at(60n)].map((one) => one.databaseMonthCents.get(40))).toEqual(
    [40_000n, 30_050n, 30_050n, 40_000n],
  );
  expect(at(20n).databaseMonthCents.get(80)).toBe(80_000n);
  expect(at(20n).minimumChargeCents).toBe(50n);
});

test('without own prices, and with one that was taken back before it began, the books stay', () => {
  expect(withAccountPrices(books, [])).toBe(books);
  expect(withAccountPrices(books, [own('never', 20n, 20n)])).toBe(books);
});

test('at every second the own price holds where there is one, else the book', () => {
  const bounds = fc.uniqueArray(fc.bigInt(0n, 100n), { minLength: 2, maxLength: 6 });
  fc.assert(
    fc.property(bounds, fc.boolean(), (cuts, isOpenEnded) => {
      const sorted = cuts.toSorted((a, b) => (a < b ? -1 : 1));
      const prices = sorted.flatMap((from, index) => {
        if (index % 2 === 1) return [];
        const to = sorted[index + 1];
        if (to === undefined && !isOpenEnded) return [];
        return [own(`own-${index}`, from, to, `0.0${index + 1}`)];
      });
      const merged = withAccountPrices(books, prices.toReversed());
      for (let at = 0n; at <= 101n; at++) {
        const held = prices.find(({ from, to = 1000n }) => from <= at && at < to);
        const listed = at < 50n ? '0.1' : at < 80n ? '0.2' : '0.3';
        expect(priceBookAt(merged, at).replicaSizeSecondUsd).toBe(
          held?.replicaSizeSecondUsd ?? listed,
        );
      }
      const instants = merged.map(({ effectiveAt }) => effectiveAt);
      expect(instants).toEqual(instants.toSorted((a, b) => (a < b ? -1 : 1)));
    }),
    { numRuns: 200 },
  );
});

test.each<[string, unknown]>([
  ['no price at all', {}],
  ['no price at all', { database_month_usd: {} }],
  ['a size that does not exist', { database_month_usd: { '5': '10' } }],
  ['a number', { replica_size_second_usd: 0.00001 }],
  ['less than nothing', { replica_size_second_usd: '-0.00001' }],
  ['more than a dollar a second', { replica_size_second_usd: '1.01' }],
  ['a fraction of a cent', { database_month_usd: { '4': '300.005' } }],
  ['another field', { replica_size_second_usd: '0.1', month: 'billing_period' }],
])('own prices with %s are refused: %j', (_what, content) => {
  expect(() => readAccountPrice('deal', 0n, undefined, content)).toThrow();
});
