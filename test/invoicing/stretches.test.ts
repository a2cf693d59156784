import { expect, test } from 'vitest';
import { stretchesOf } from '../../src/invoicing/stretches.ts';
import { DOCUMENTED_PRICES, readPriceBook } from '../../src/pricing/price-book.ts';

const only = [readPriceBook('only', 500n, DOCUMENTED_PRICES)];
const three = [
  readPriceBook('first', 0n, DOCUMENTED_PRICES),
  readPriceBook('second', 150n, DOCUMENTED_PRICES),
  readPriceBook('third', 200n, DOCUMENTED_PRICES),
];

function stretches(books: typeof only, upgradedAt: bigint | undefined): string[] {
  return stretchesOf({ from: 100n, to: 200n }, upgradedAt, books).map(
    ({ from, to, priceBook }) => `${from}-${to} ${priceBook.id}`,
  );
}

test('an account in the free tier is charged for nothing (R18)', () => {
  expect(stretches(only, undefined)).toEqual([]);
});

test.each([
  ['before the window: all of it is charged', 50n, ['100-200 only']],
  ['at its first second: all of it is charged', 100n, ['100-200 only']],
  ['within it: charged from that second on', 160n, ['160-200 only']],
  ['at its last second: that second is charged', 199n, ['199-200 only']],
  ['at its end: nothing is charged', 200n, []],
  ['after it: nothing is charged', 300n, []],
])('upgraded %s (R26)', (_what, upgradedAt, expected) => {
  expect(stretches(only, upgradedAt)).toEqual(expected);
});

test('prices change at their instant; a book of later is not used', () => {
  expect(stretches(three, 0n)).toEqual(['100-150 first', '150-200 second']);
  expect(stretches(three, 150n)).toEqual(['150-200 second']);
  expect(stretches(three, 149n)).toEqual(['149-150 first', '150-200 second']);
});

test('the first book is in force since ever', () => {
  expect(only[0]!.effectiveAt).toBeGreaterThan(200n);
  expect(stretches(only, 0n)).toEqual(['100-200 only']);
});

test('the stretches tile what is charged of the window', () => {
  for (let upgradedAt = 90n; upgradedAt < 200n; upgradedAt++) {
    const cut = stretchesOf({ from: 100n, to: 200n }, upgradedAt, three);
    expect(cut[0]!.from).toBe(upgradedAt < 100n ? 100n : upgradedAt);
    expect(cut.at(-1)!.to).toBe(200n);
    expect(cut.slice(1).map(({ from }) => from)).toEqual(cut.slice(0, -1).map(({ to }) => to));
  }
});
