import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  add,
  formatFraction,
  fraction,
  parseDecimal,
  roundHalfUp,
  roundTogether,
  shareOut,
  sum,
  times,
  ZERO,
  type Fraction,
} from '../../src/values/fraction.ts';

const anyFraction = fc
  .tuple(fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }), fc.bigInt({ min: 1n, max: 10n ** 9n }))
  .map(([numerator, denominator]) => fraction(numerator, denominator));
const shares = fc.array(anyFraction, { maxLength: 12 });

test.each([
  ['0.00001866786', 1_866_786n, 10n ** 11n],
  ['25', 25n, 1n],
  ['0', 0n, 1n],
  ['12800.50', 1_280_050n, 100n],
  ['007', 7n, 1n],
])('the decimal %s is read exactly', (text, numerator, denominator) => {
  expect(parseDecimal(text)).toEqual({ numerator, denominator });
});

test.each(['', '.5', '5.', '-1', '+1', '1e3', '1,000', '0x10', ' 1', '1\n', 'NaN', 'Infinity'])(
  '%j is no decimal',
  (text) => {
    expect(parseDecimal(text)).toBeUndefined();
  },
);

test.each([
  ['a half goes up', 5n, 10n, 1n],
  ['just below a half goes down', 49_999n, 100_000n, 0n],
  ['just above a half goes up', 50_001n, 100_000n, 1n],
  ['a whole stays', 7n, 1n, 7n],
  ['a half between large numbers goes up', 933_393n, 2n, 466_697n],
  ['a half below zero goes up, towards zero', -1n, 2n, 0n],
  ['more than a half below zero goes down', -51n, 100n, -1n],
  ['one and a half below zero goes up', -3n, 2n, -1n],
])('%s (R3)', (_what, numerator, denominator, rounded) => {
  expect(roundHalfUp(fraction(numerator, denominator))).toBe(rounded);
});

test('what is rounded is at most half a unit away, and a tie is below it', () => {
  fc.assert(
    fc.property(anyFraction, (exact) => {
      const away = 2n * (roundHalfUp(exact) * exact.denominator - exact.numerator);
      expect(away > -exact.denominator && away <= exact.denominator).toBe(true);
    }),
  );
});

test('however a sum is split or ordered, it is the same number', () => {
  fc.assert(
    fc.property(shares, fc.nat(12), (terms, cut) => {
      const whole = sum(terms);
      const parts = add(sum(terms.slice(cut)), sum(terms.slice(0, cut)));
      expect(isEqual(whole, parts)).toBe(true);
      expect(isEqual(sum(terms.toReversed()), whole)).toBe(true);
    }),
  );
  expect(sum([])).toEqual(ZERO);
});

test('a multiple is the same as adding that often', () => {
  fc.assert(
    fc.property(anyFraction, fc.nat(9), (term, factor) => {
      const added = sum(Array.from({ length: factor }, () => term));
      expect(isEqual(times(term, BigInt(factor)), added)).toBe(true);
    }),
  );
});

test('rows rounded together add up to the rounded sum exactly (R4)', () => {
  fc.assert(
    fc.property(shares, (terms) => {
      expect(roundTogether(terms).reduce((a, b) => a + b, 0n)).toBe(roundHalfUp(sum(terms)));
    }),
  );
});

test('a row rounded together is its share rounded down or up, never further away', () => {
  fc.assert(
    fc.property(shares, (terms) => {
      for (const [index, whole] of roundTogether(terms).entries()) {
        const { numerator, denominator } = terms[index]!;
        const away = whole * denominator - numerator;
        expect(away > -denominator && away < denominator).toBe(true);
      }
    }),
  );
});

test('of rows rounded together no smaller remainder goes up where a larger one goes down', () => {
  fc.assert(
    fc.property(shares, (terms) => {
      const rows = roundTogether(terms).map((whole, index) => {
        const { numerator, denominator } = terms[index]!;
        const isUp = whole * denominator > numerator;
        const down = isUp ? whole - 1n : whole;
        return { isUp, remainder: fraction(numerator - down * denominator, denominator) };
      });
      const up = rows.filter((row) => row.isUp);
      const down = rows.filter((row) => !row.isUp);
      for (const a of up)
        for (const b of down) expect(isLess(a.remainder, b.remainder)).toBe(false);
    }),
  );
});

test('of equal remainders the earlier row gets the unit: 3 × 80.645 is 81 + 81 + 80 (R4)', () => {
  const row = fraction(80_645n, 1_000n);
  expect(roundTogether([row, row, row])).toEqual([81n, 81n, 80n]);
});

test.each([
  ['nothing', [], []],
  ['one row', [fraction(5n, 2n)], [3n]],
  [
    'the larger remainder wins, wherever it stands',
    [fraction(13n, 10n), fraction(14n, 10n)],
    [1n, 2n],
  ],
  ['two halves make one', [fraction(1n, 2n), fraction(1n, 2n)], [1n, 0n]],
  ['wholes stay', [fraction(4n, 2n), fraction(3n, 1n)], [2n, 3n]],
  [
    'many small ones make a cent',
    Array.from({ length: 4 }, () => fraction(1n, 4n)),
    [1n, 0n, 0n, 0n],
  ],
])('rounded together: %s', (_what, terms, rounded) => {
  expect(roundTogether(terms)).toEqual(rounded);
});

test.each([
  [241n, [80n, 80n, 81n]],
  [242n, [81n, 80n, 81n]],
  [243n, [81n, 81n, 81n]],
])('a given total of %s is shared out by largest remainder', (total, shared) => {
  const terms = [fraction(806n, 10n), fraction(804n, 10n), fraction(809n, 10n)];
  expect(shareOut(total, terms)).toEqual(shared);
});

test.each([
  [fraction(33_602n, 1_000_000n), 6, '0.033602'],
  [fraction(1n, 3n), 4, '0.3333'],
  [fraction(2n, 3n), 4, '0.6667'],
  [fraction(5n, 1_000n), 2, '0.01'],
  [fraction(9_999n, 1_000n), 2, '10.00'],
  [ZERO, 2, '0.00'],
])('%o with %s decimals is written %s', (exact, decimals, text) => {
  expect(formatFraction(exact, decimals)).toBe(text);
});

function isEqual(a: Fraction, b: Fraction): boolean {
  return a.numerator * b.denominator === b.numerator * a.denominator;
}

function isLess(a: Fraction, b: Fraction): boolean {
  return a.numerator * b.denominator < b.numerator * a.denominator;
}
