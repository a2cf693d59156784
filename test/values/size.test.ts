import { expect, test } from 'vitest';
import {
  DATABASE_SIZES,
  formatTenths,
  fromTenths,
  isAppSize,
  isDatabaseSize,
  toTenths,
} from '../../src/values/size.ts';

test.each([0.2, 0.3, 0.6, 1, 1.0, 2.3, 16, 0.7, 1.1, 15.9])('%s is a size of apps (R6)', (size) => {
  expect(isAppSize(size)).toBe(true);
});

test.each([
  0.1,
  0,
  -0,
  0.25,
  16.1,
  -1,
  Number.NaN,
  JSON.parse('1e309'),
  JSON.parse('-1e309'),
  '0.5',
  '1',
  0.30000000000000004,
  0.15,
  1e-300,
  160,
  2 ** 31,
  true,
  null,
  undefined,
  1n,
  [1],
  {},
])('%o is no size of apps (R6)', (size) => {
  expect(isAppSize(size)).toBe(false);
});

test('all steps of 0.1 from 0.2 to 16 are sizes, and survive being kept as whole tenths', () => {
  for (let tenths = 2; tenths <= 160; tenths++) {
    const size = Number(`${Math.floor(tenths / 10)}.${tenths % 10}`);
    expect(isAppSize(size)).toBe(true);
    expect(toTenths(size)).toBe(tenths);
    expect(fromTenths(tenths)).toBe(size);
  }
});

test('databases have the eight sizes of the price list and no other (R42)', () => {
  expect(DATABASE_SIZES).toEqual([0.6, 1.7, 4, 8, 16, 32, 64, 128]);
  for (const size of DATABASE_SIZES) expect(isDatabaseSize(size)).toBe(true);
});

test.each([0, 0.5, 0.60001, 1, 2, 3, 6, 17, 127, 256, -4, '4', null, Number.NaN])(
  '%o is no size of databases (R42)',
  (size) => {
    expect(isDatabaseSize(size)).toBe(false);
  },
);

test.each([
  [13_392_000n, '1339200'],
  [3n, '0.3'],
  [0n, '0'],
  [10n, '1'],
  [-10n, '-1'],
  [-3n, '-0.3'],
  [-13n, '-1.3'],
  [9_223_372_036_854_775_807n, '922337203685477580.7'],
])('%s tenths are written %s', (tenths, text) => {
  expect(formatTenths(tenths)).toBe(text);
});
