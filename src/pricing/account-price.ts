import { z } from 'zod';
import type { Fraction } from '../values/fraction.ts';
import type { Second } from '../values/instant.ts';
import type { Cents } from '../values/money.ts';
import { DATABASE_SIZES } from '../values/size.ts';
import {
  databaseMonthUsd,
  priceBookAt,
  readDatabasePrices,
  replicaSizeSecondUsd,
  toCents,
  type PriceBook,
} from './price-book.ts';

/** What one account pays instead of the price book's prices in [from, to); what it leaves open stays the book's. */
export type AccountPrice = {
  readonly id: string;
  readonly from: Second;
  /** Undefined: until further notice. Not after `from`: it was taken back and never held. */
  readonly to: Second | undefined;
  readonly replicaSizeSecondUsd: string | undefined;
  /** By size in tenths. */
  readonly databaseMonthCents: ReadonlyMap<number, Cents>;
};

/** The price books that hold for each account, its own prices within them. */
export type PriceBooksOf = (accountId: string) => readonly PriceBook[];

/** An account's prices as they are stored and written. Amounts are decimal strings in US dollars. */
export const accountPriceContent = z
  .strictObject({
    replica_size_second_usd: replicaSizeSecondUsd.optional(),
    database_month_usd: z
      .strictObject(
        Object.fromEntries(
          DATABASE_SIZES.map((size) => [String(size), databaseMonthUsd.optional()]),
        ),
      )
      .optional(),
  })
  .refine((prices) => hasPrices(prices), { error: 'must have at least one price' });

export type AccountPriceContent = z.infer<typeof accountPriceContent>;

/** Reads stored or written prices. Throws a ZodError that names the wrong field. */
export function readAccountPrice(
  id: string,
  from: Second,
  to: Second | undefined,
  content: unknown,
): AccountPrice {
  const prices = accountPriceContent.parse(content);
  return {
    id,
    from,
    to,
    replicaSizeSecondUsd: prices.replica_size_second_usd,
    databaseMonthCents: readDatabasePrices(prices.database_month_usd ?? {}),
  };
}

/**
 * The books that hold for an account with prices of its own: cut where either changes, so that all that
 * prices by books prices by these. `accountPrices` do not overlap. Their month and minimum charge are the
 * book's.
 */
export function withAccountPrices(
  priceBooks: readonly PriceBook[],
  accountPrices: readonly AccountPrice[],
): readonly PriceBook[] {
  const held = accountPrices.filter(({ from, to }) => to === undefined || from < to);
  if (held.length === 0) return priceBooks;
  const [first, ...rest] = priceBooks;
  const cuts = new Set([
    ...rest.map(({ effectiveAt }) => effectiveAt),
    ...held.flatMap(({ from, to }) => (to === undefined ? [from] : [from, to])),
  ]);
  const books = [...cuts]
    .toSorted((a, b) => (a < b ? -1 : 1))
    .map((at) => {
      const book = { ...priceBookAt(priceBooks, at), effectiveAt: at };
      const price = held.find(({ from, to }) => from <= at && (to === undefined || at < to));
      return price === undefined ? book : withPrice(book, price);
    });
  return [first!, ...books];
}

function withPrice(book: PriceBook, price: AccountPrice): PriceBook {
  const usd = price.replicaSizeSecondUsd ?? book.replicaSizeSecondUsd;
  const centsPerReplicaSizeSecond: Fraction =
    price.replicaSizeSecondUsd === undefined ? book.centsPerReplicaSizeSecond : toCents(usd);
  return {
    ...book,
    id: `${book.id}+${price.id}`,
    replicaSizeSecondUsd: usd,
    centsPerReplicaSizeSecond,
    databaseMonthCents: new Map([...book.databaseMonthCents, ...price.databaseMonthCents]),
  };
}

function hasPrices({
  replica_size_second_usd: app,
  database_month_usd: databases = {},
}: {
  readonly replica_size_second_usd?: string | undefined;
  readonly database_month_usd?: Readonly<Record<string, string | undefined>> | undefined;
}): boolean {
  return app !== undefined || Object.values(databases).some((usd) => usd !== undefined);
}
