import { expect, test } from 'vitest';
import { ZodError } from 'zod';
import {
  DOCUMENTED_PRICES,
  documentedPriceBook,
  priceBookAt,
  readPriceBook,
} from '../../src/pricing/price-book.ts';

test('the documented book has the prices of the documentation (R2, R42, R41b)', () => {
  expect(documentedPriceBook()).toEqual({
    id: 'gigalixir-0.15.0',
    effectiveAt: 0n,
    replicaSizeSecondUsd: '0.00001866786',
    centsPerReplicaSizeSecond: { numerator: 186_678_600n, denominator: 10n ** 11n },
    databaseMonthCents: new Map([
      [6, 2_500n],
      [17, 5_000n],
      [40, 40_000n],
      [80, 80_000n],
      [160, 160_000n],
      [320, 320_000n],
      [640, 640_000n],
      [1280, 1_280_000n],
    ]),
    monthSeconds: 'billing_period',
    minimumChargeCents: 50n,
    correctedMonths: 13,
  });
});

test('a month may have a fixed length (R43), and any price its decimals', () => {
  const book = readPriceBook('b', 7n, {
    ...DOCUMENTED_PRICES,
    replica_size_second_usd: '0.00001866786123',
    database_month_usd: { ...DOCUMENTED_PRICES.database_month_usd, '1.7': '49.99' },
    month: { seconds: 2_678_400 },
    minimum_charge_cents: 0,
    corrected_months: 3,
  });
  expect(book.monthSeconds).toBe(2_678_400n);
  expect(book.databaseMonthCents.get(17)).toBe(4_999n);
  expect(book.minimumChargeCents).toBe(0n);
  expect(book.correctedMonths).toBe(3);
  expect(book.effectiveAt).toBe(7n);
  expect(book.centsPerReplicaSizeSecond).toEqual({
    numerator: 186_678_612_300n,
    denominator: 10n ** 14n,
  });
});

const DATABASES = DOCUMENTED_PRICES.database_month_usd;

test.each<[string, object]>([
  ['replica_size_second_usd', { replica_size_second_usd: 0.00001866786 }],
  ['replica_size_second_usd', { replica_size_second_usd: '1e-5' }],
  ['replica_size_second_usd', { replica_size_second_usd: '-0.00001' }],
  ['replica_size_second_usd', { replica_size_second_usd: '' }],
  ['replica_size_second_usd', { replica_size_second_usd: undefined }],
  ['database_month_usd', { database_month_usd: undefined }],
  ['database_month_usd.0.6', { database_month_usd: { ...DATABASES, '0.6': 25 } }],
  ['database_month_usd.128', { database_month_usd: { ...DATABASES, '128': '$12,800' } }],
  ['database_month_usd.4', { database_month_usd: { ...DATABASES, '4': undefined } }],
  ['database_month_usd', { database_month_usd: { ...DATABASES, '2': '60' } }],
  ['month', { month: 'calendar' }],
  ['month.seconds', { month: { seconds: 0 } }],
  ['month', { month: { seconds: 2.5 } }],
  ['month', { month: { seconds: 1, days: 31 } }],
  ['minimum_charge_cents', { minimum_charge_cents: -1 }],
  ['minimum_charge_cents', { minimum_charge_cents: '50' }],
  ['minimum_charge_cents', { minimum_charge_cents: 0.5 }],
  ['corrected_months', { corrected_months: 0 }],
  ['corrected_months', { corrected_months: 121 }],
  ['corrected_months', { corrected_months: 1.5 }],
])('a book with a wrong %s is refused by that name: %j', (field, wrong) => {
  const read = (): unknown => readPriceBook('b', 0n, { ...DOCUMENTED_PRICES, ...wrong });
  expect(read).toThrow(ZodError);
  expect(read).toThrow(
    expect.objectContaining({
      issues: [expect.objectContaining({ path: pathOf(field) })],
    }),
  );
});

test('a field that no book has is refused by its name', () => {
  expect(() => readPriceBook('b', 0n, { ...DOCUMENTED_PRICES, discount: '10' })).toThrow(
    /"discount"/,
  );
});

test('a book is in force from its instant on, until that of the next', () => {
  const books = [
    readPriceBook('first', 100n, DOCUMENTED_PRICES),
    readPriceBook('second', 200n, DOCUMENTED_PRICES),
    readPriceBook('third', 300n, DOCUMENTED_PRICES),
  ];
  const inForce = (at: bigint): string => priceBookAt(books, at).id;
  expect([100n, 199n, 200n, 299n, 300n, 10_000n].map(inForce)).toEqual([
    'first',
    'first',
    'second',
    'second',
    'third',
    'third',
  ]);
  expect(inForce(0n), 'the first has been in force since ever').toBe('first');
});

// "0.6" is one name.
function pathOf(field: string): string[] {
  const [head, ...rest] = field.split('.');
  return rest.length === 0 ? [head!] : [head!, rest.join('.')];
}
