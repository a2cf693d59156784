import type { Tier } from '../../accounts/account.ts';
import type { Change } from '../../limits/holdings.ts';
import { usageAtLevels, type Levels } from '../../metering/usage/levels.ts';
import { totalOf } from '../../pricing/line.ts';
import { priceBookAt, type PriceBook } from '../../pricing/price-book.ts';
import { priceUsage } from '../../pricing/price-usage.ts';
import { appCents, databaseCents } from '../../pricing/rates.ts';
import { sum, ZERO, type Fraction } from '../../values/fraction.ts';
import type { Second } from '../../values/instant.ts';
import type { Cents } from '../../values/money.ts';
import type { Period } from '../../values/period.ts';
import { runRate } from './run-rate.ts';
import { stretchesOf } from '../stretches.ts';

/** What some levels cost at present prices; an hour costs so little that it is not rounded. */
export type Cost = {
  readonly centsPerHour: Fraction;
  readonly restOfPeriodCents: Cents;
  readonly fullPeriodCents: Cents;
};

export type Quote = { readonly present: Cost; readonly proposed: Cost };

export type QuoteTerms = {
  readonly tier: Tier;
  /** Those that hold for the account; ones that come into force within the period count from then on. */
  readonly priceBooks: readonly PriceBook[];
  /** The running billing period; `at` lies in it. */
  readonly period: Period;
  readonly at: Second;
};

/** What an account would cost from now on with a change, beside what it costs as it is. */
export function quoteChange(levels: Levels, change: Change, terms: QuoteTerms): Quote {
  return {
    present: costOf(levels, terms),
    proposed: costOf(withChange(levels, change), terms),
  };
}

/** A new app costs nothing until it is deployed (R12). */
export function withChange(levels: Levels, change: Change): Levels {
  switch (change.kind) {
    case 'create_app':
      return levels;
    case 'scale_app': {
      const { app, replicas, sizeTenths } = change;
      const others = levels.apps.filter((one) => one.app !== app);
      const levelTenths = BigInt(replicas * sizeTenths);
      return { ...levels, apps: levelTenths === 0n ? others : [...others, { app, levelTenths }] };
    }
    case 'create_database': {
      const { app, sizeTenths } = change;
      const databases = [...levels.databases, { app, database: NEW_DATABASE, sizeTenths }];
      return { ...levels, databases };
    }
    case 'resize_database': {
      const { database, sizeTenths } = change;
      const databases = levels.databases.map((one) =>
        one.database === database ? { ...one, sizeTenths } : one,
      );
      return { ...levels, databases };
    }
  }
}

/** Ids have at least one character, so this is nobody's. */
const NEW_DATABASE = '';
const HOUR_SECONDS = 3600n;

function costOf(levels: Levels, terms: QuoteTerms): Cost {
  const { period, at, tier } = terms;
  const priceBook = priceBookAt(terms.priceBooks, at);
  return {
    centsPerHour: tier === 'FREE' ? ZERO : centsPerHour(levels, priceBook, period),
    restOfPeriodCents: tier === 'FREE' ? 0n : restOfPeriodCents(levels, terms),
    fullPeriodCents: runRate(levels, { tier, period, priceBook }).totalCents,
  };
}

function centsPerHour(levels: Levels, priceBook: PriceBook, period: Period): Fraction {
  const { apps, databases } = usageAtLevels(levels, HOUR_SECONDS);
  return sum([
    ...apps.map(({ rssTenths }) => appCents(priceBook, rssTenths)),
    ...databases.map((database) => databaseCents(priceBook, period, database)),
  ]);
}

/** Prices that are known to change within the period change. */
function restOfPeriodCents(levels: Levels, { priceBooks, period, at }: QuoteTerms): Cents {
  const charged = stretchesOf({ from: at, to: period.end }, at, priceBooks).map(
    ({ priceBook, from, to }) => ({ priceBook, usage: usageAtLevels(levels, to - from) }),
  );
  return totalOf(priceUsage(period, charged));
}
