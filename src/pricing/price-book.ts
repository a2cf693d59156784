import { z } from 'zod';
import { parseDecimal, roundHalfUp, type Fraction } from '../values/fraction.ts';
import type { Second } from '../values/instant.ts';
import type { Cents } from '../values/money.ts';
import { DATABASE_SIZES, toTenths } from '../values/size.ts';

/** All prices in force from `effectiveAt` until the next book's. */
export type PriceBook = {
  readonly id: string;
  readonly effectiveAt: Second;
  /** As written, for showing: '0.00001866786'. */
  readonly replicaSizeSecondUsd: string;
  readonly centsPerReplicaSizeSecond: Fraction;
  /** By size in tenths. */
  readonly databaseMonthCents: ReadonlyMap<number, Cents>;
  /** The length of a database's month: the account's billing period, or fixed seconds (R43). */
  readonly monthSeconds: bigint | 'billing_period';
  /** A total below this is not worth a charge and is carried to the next invoice (R41b). */
  readonly minimumChargeCents: Cents;
  /** So many months before a period, late facts are still corrected on its invoice (R60). */
  readonly correctedMonths: number;
};

/** Unless a book says otherwise. */
export const CORRECTED_MONTHS = 13;
/** What is corrected has to be read, and checked by whoever gets the invoice. */
const MOST_CORRECTED_MONTHS = 120;

/** Beyond these a price is a slip of the pen; far below what would overflow an invoice. */
export const replicaSizeSecondUsd = dollars({ most: 1n, decimals: 30, example: '0.00001866786' });
export const databaseMonthUsd = dollars({ most: 1_000_000n, decimals: 2, example: '49.99' });

/** A price book as it is stored and written in files. Amounts are decimal strings in US dollars. */
export const priceBookContent = z.strictObject({
  replica_size_second_usd: replicaSizeSecondUsd,
  database_month_usd: z.strictObject(
    Object.fromEntries(DATABASE_SIZES.map((size) => [String(size), databaseMonthUsd])),
  ),
  month: z.union(
    [z.literal('billing_period'), z.strictObject({ seconds: z.number().int().positive() })],
    { error: 'must be "billing_period" or {"seconds": 2678400}' },
  ),
  minimum_charge_cents: z.number().int().nonnegative(),
  corrected_months: z.number().int().min(1).max(MOST_CORRECTED_MONTHS).optional(),
});

export type PriceBookContent = z.infer<typeof priceBookContent>;

/** The prices of the Gigalixir documentation, release 0.15.0: the book every installation starts with. */
export const DOCUMENTED_PRICES: PriceBookContent = {
  replica_size_second_usd: '0.00001866786',
  database_month_usd: {
    '0.6': '25',
    '1.7': '50',
    '4': '400',
    '8': '800',
    '16': '1600',
    '32': '3200',
    '64': '6400',
    '128': '12800',
  },
  month: 'billing_period',
  minimum_charge_cents: 50,
};

/** Reads a stored or written book. Throws a ZodError that names the wrong field. */
export function readPriceBook(id: string, effectiveAt: Second, content: unknown): PriceBook {
  const book = priceBookContent.parse(content);
  const { month } = book;
  return {
    id,
    effectiveAt,
    replicaSizeSecondUsd: book.replica_size_second_usd,
    centsPerReplicaSizeSecond: toCents(book.replica_size_second_usd),
    databaseMonthCents: readDatabasePrices(book.database_month_usd),
    monthSeconds: month === 'billing_period' ? month : BigInt(month.seconds),
    minimumChargeCents: BigInt(book.minimum_charge_cents),
    correctedMonths: book.corrected_months ?? CORRECTED_MONTHS,
  };
}

/** By size in tenths, from dollars by size; in the order of sizes. */
export function readDatabasePrices(
  usdBySize: Readonly<Record<string, string | undefined>>,
): ReadonlyMap<number, Cents> {
  return new Map(
    DATABASE_SIZES.flatMap((size) => {
      const usd = usdBySize[String(size)];
      return usd === undefined ? [] : [[toTenths(size), roundHalfUp(toCents(usd))] as const];
    }),
  );
}

/** The documentation's prices from the beginning of time: what `estimate` uses without a database. */
export function documentedPriceBook(): PriceBook {
  return readPriceBook('gigalixir-0.15.0', 0n, DOCUMENTED_PRICES);
}

/** The book in force at an instant; `priceBooks` in order, the first in force since ever. */
export function priceBookAt(priceBooks: readonly PriceBook[], at: Second): PriceBook {
  return priceBooks.findLast((book) => book.effectiveAt <= at) ?? priceBooks[0]!;
}

/** Exactly, of a decimal in US dollars. */
export function toCents(usd: string): Fraction {
  const { numerator, denominator } = parseDecimal(usd)!;
  return { numerator: numerator * 100n, denominator };
}

function dollars(rule: {
  readonly most: bigint;
  readonly decimals: number;
  readonly example: string;
}) {
  const error =
    `must be US dollars from 0 to ${rule.most} as a decimal string with at most ${rule.decimals} ` +
    `decimals, such as "${rule.example}"`;
  return z.string({ error }).refine((text) => isPrice(text, rule), { error });
}

function isPrice(
  text: string,
  rule: { readonly most: bigint; readonly decimals: number },
): boolean {
  const price = parseDecimal(text);
  return (
    price !== undefined &&
    price.numerator <= rule.most * price.denominator &&
    price.denominator <= 10n ** BigInt(rule.decimals)
  );
}
