import { expect, test } from 'vitest';
import { formatCents } from '../../src/values/money.ts';

test.each([
  [0n, '$0.00'],
  [1n, '$0.01'],
  [50n, '$0.50'],
  [2_500n, '$25.00'],
  [16_129n, '$161.29'],
  [1_280_000n, '$12,800.00'],
  [99_999_999n, '$999,999.99'],
  [-1n, '-$0.01'],
  [-500n, '-$5.00'],
  [900_719_925_474_099_301n, '$9,007,199,254,740,993.01'],
])('%s cents are written %s', (cents, text) => {
  expect(formatCents(cents)).toBe(text);
});
