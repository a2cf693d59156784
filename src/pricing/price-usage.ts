import type { DatabaseUsage, Usage } from '../metering/usage/usage.ts';
import { add, roundHalfUp, roundTogether, type Fraction } from '../values/fraction.ts';
import { formatCents } from '../values/money.ts';
import type { Period } from '../values/period.ts';
import { formatTenths, fromTenths } from '../values/size.ts';
import type { AppLine, DatabaseLine, Line } from './line.ts';
import type { PriceBook } from './price-book.ts';
import { appCents, databaseCents, monthSecondsOf } from './rates.ts';

/** What was used while one price book was in force. */
export type ChargedUsage = { readonly priceBook: PriceBook; readonly usage: Usage };

/**
 * Prices one account's period: the one place that rounds. All replica-size-seconds of the account are
 * rounded half up once and shared out over the apps by largest remainder (R3, R4); each database and size
 * is rounded half up on its own, as its share of a month (R43). `period` is the whole billing period even
 * when only a part of it is charged. Stretches under different books add up before the rounding.
 */
export function priceUsage(period: Period, charged: readonly ChargedUsage[]): Line[] {
  return [...appLines(charged), ...databaseLines(period, charged)];
}

/** `quantities` by price, in the words of an invoice: what was used at each of them. */
type Priced<T> = {
  readonly row: T;
  readonly cents: Fraction;
  readonly quantities: ReadonlyMap<string, bigint>;
};

function appLines(charged: readonly ChargedUsage[]): AppLine[] {
  const priced = new Map<string, Priced<{ app: string; rssTenths: bigint }>>();
  for (const { priceBook, usage } of charged) {
    for (const { app, rssTenths } of usage.apps) {
      const cents = appCents(priceBook, rssTenths);
      const before = priced.get(app);
      priced.set(app, {
        row: { app, rssTenths: (before?.row.rssTenths ?? 0n) + rssTenths },
        cents: before === undefined ? cents : add(before.cents, cents),
        quantities: withQuantity(before, `× $${priceBook.replicaSizeSecondUsd}`, rssTenths),
      });
    }
  }
  const rows = [...priced.values()];
  const amounts = roundTogether(rows.map(({ cents }) => cents));
  return rows.map(({ row, quantities }, index) => ({
    kind: 'app',
    ...row,
    description: `App ${row.app}: ${describe(
      quantities,
      (rssTenths) => `${formatTenths(rssTenths)} replica-size-seconds`,
    )}`,
    amountCents: amounts[index]!,
  }));
}

function databaseLines(period: Period, charged: readonly ChargedUsage[]): DatabaseLine[] {
  const priced = new Map<string, Priced<DatabaseUsage>>();
  for (const { priceBook, usage } of charged) {
    const month = monthSecondsOf(priceBook, period);
    for (const row of usage.databases) {
      const monthCents = priceBook.databaseMonthCents.get(row.sizeTenths)!;
      const cents = databaseCents(priceBook, period, row);
      const price = `of ${month} s × ${formatCents(monthCents)}`;
      const key = JSON.stringify([row.database, row.sizeTenths]);
      const before = priced.get(key);
      priced.set(key, {
        row: { ...row, seconds: (before?.row.seconds ?? 0n) + row.seconds },
        cents: before === undefined ? cents : add(before.cents, cents),
        quantities: withQuantity(before, price, row.seconds),
      });
    }
  }
  return [...priced.values()].map(({ row, cents, quantities }) => ({
    kind: 'database',
    ...row,
    description: `Database ${row.database}, size ${fromTenths(row.sizeTenths)}: ${describe(quantities, String)}`,
    amountCents: roundHalfUp(cents),
  }));
}

function withQuantity(
  before: Priced<unknown> | undefined,
  price: string,
  quantity: bigint,
): ReadonlyMap<string, bigint> {
  const quantities = new Map(before?.quantities);
  return quantities.set(price, (quantities.get(price) ?? 0n) + quantity);
}

function describe(
  quantities: ReadonlyMap<string, bigint>,
  format: (quantity: bigint) => string,
): string {
  return [...quantities].map(([price, quantity]) => `${format(quantity)} ${price}`).join(' + ');
}
