import { sql } from 'kysely';
import { lastCounted, type Account } from '../accounts/account.ts';
import { numberArray, textArray } from '../database/arrays.ts';
import type { Db } from '../database/pool.ts';
import { usageOf } from '../metering/usage/usage-store.ts';
import type { PriceBooksOf } from '../pricing/account-price.ts';
import { priceBookAt, type PriceBook } from '../pricing/price-book.ts';
import { priceUsage, type ChargedUsage } from '../pricing/price-usage.ts';
import { groupBy } from '../values/group.ts';
import type { Second } from '../values/instant.ts';
import { boundary, periodAt, type Period } from '../values/period.ts';
import { adjustPeriod, type AdjustmentLine, type Billed } from './adjust-period.ts';
import type { DuePeriod } from './due-period.ts';
import { isLatestRevision } from './latest-revision.ts';
import { stretchesOf } from './stretches.ts';

export type ClosedPeriod = {
  readonly account: Account;
  readonly start: Second;
  readonly end: Second;
};

/**
 * The corrections each account's next invoice has to carry, by account: for every closed period that facts
 * recorded after its close have changed, whatever its bill differs by. Costs in proportion to the periods
 * that were touched; nothing for accounts without late facts. What corrections do not reach back to is left
 * alone.
 */
export async function findAdjustments(
  db: Db,
  priceBooks: PriceBooksOf,
  due: readonly DuePeriod[],
): Promise<Map<string, AdjustmentLine[]>> {
  const adjustments = new Map<string, AdjustmentLine[]>();
  for (const { period, lines } of await compareBilled(
    db,
    priceBooks,
    await findTouchedPeriods(db, priceBooks, due),
  )) {
    adjustments.set(period.account.id, [...(adjustments.get(period.account.id) ?? []), ...lines]);
  }
  return adjustments;
}

/** What the bill of each closed period differs by from what it costs by all that is known now, in their order. */
export async function compareBilled(
  db: Db,
  priceBooks: PriceBooksOf,
  closed: readonly ClosedPeriod[],
): Promise<{ readonly period: ClosedPeriod; readonly lines: readonly AdjustmentLine[] }[]> {
  if (closed.length === 0) return [];
  const billed = await findBilled(db, closed);
  const charged = await chargedNow(db, priceBooks, closed);
  return closed.map((period, index) => {
    const { account, start, end } = period;
    const full = periodAt(account.signedUpAt, end - 1n);
    const before = billed.get(keyOf(account.id, start)) ?? [];
    return { period, lines: adjustPeriod(period, before, priceUsage(full, charged[index]!)) };
  });
}

/** Closed periods of the accounts that late facts reach into, oldest first. */
async function findTouchedPeriods(
  db: Db,
  priceBooks: PriceBooksOf,
  due: readonly DuePeriod[],
): Promise<ClosedPeriod[]> {
  const late = due.filter(({ account }) => account.lateSince !== undefined);
  if (late.length === 0) return [];
  const { rows } = await sql<{ position: bigint; start_at: bigint; end_at: bigint }>`
    select late.position, period.start_at, period.end_at
    from unnest(
      ${textArray(late.map(({ account }) => account.id))}::text[],
      ${numberArray(late.map(({ account }) => account.lateSince!))}::bigint[],
      ${numberArray(late.map(({ account, full }) => correctedFrom(priceBooks(account.id), full)))}::bigint[],
      ${numberArray(late.map(({ start }) => start))}::bigint[]
    ) with ordinality as late (account_id, late_since, corrected_from, closing_at, position)
    join billing_period period on period.account_id = late.account_id
      and period.end_at > late.late_since and period.end_at > late.corrected_from
      and period.start_at < late.closing_at
    order by late.position, period.start_at`.execute(db);
  return rows.map((row) => ({
    account: late[Number(row.position) - 1]!.account,
    start: row.start_at,
    end: row.end_at,
  }));
}

/**
 * The invoice of a billing period corrects periods that end after this; what is older is reported, not billed.
 * By the book in force when the period began, so that it stays so for this invoice.
 */
export function correctedFrom(priceBooks: readonly PriceBook[], { start }: Period): Second {
  return boundary(start, -priceBookAt(priceBooks, start).correctedMonths);
}

/** What was billed for the periods so far, by invoices of their own and by corrections on later ones. */
async function findBilled(db: Db, closed: readonly ClosedPeriod[]): Promise<Map<string, Billed[]>> {
  const { rows } = await sql<BilledRow>`
    with asked as (
      select * from unnest(
        ${textArray(closed.map(({ account }) => account.id))}::text[],
        ${numberArray(closed.map(({ start }) => start))}::bigint[]) as asked (account_id, start_at)
    ),
    billed as (
      select asked.start_at, line.account_id, line.invoice_id, line.line_number
      from asked join invoice on invoice.account_id = asked.account_id
        and invoice.period_start = asked.start_at
      join invoice_line line on line.account_id = invoice.account_id
        and line.invoice_id = invoice.invoice_id and line.kind in ('app', 'database')
      union all
      select asked.start_at, line.account_id, line.invoice_id, line.line_number
      from asked join invoice_line line on line.account_id = asked.account_id
        and line.adjusts_period_start = asked.start_at
    )
    select line.account_id, billed.start_at, line.app, line.database,
      line.size_tenths as "sizeTenths", sum(line.quantity)::bigint as quantity,
      sum(line.amount_cents)::bigint as "amountCents"
    from billed
    join invoice using (account_id, invoice_id)
    join invoice_line line using (account_id, invoice_id, line_number)
    where ${isLatestRevision('invoice')}
    group by 1, 2, 3, 4, 5`.execute(db);
  const billed = rows.map(({ account_id, start_at, app, database, sizeTenths, ...sums }) => ({
    key: keyOf(account_id, start_at),
    subject:
      database === null
        ? { kind: 'app' as const, app }
        : { kind: 'database' as const, app, database, sizeTenths: sizeTenths! },
    ...sums,
  }));
  return groupBy(billed, ({ key }) => key);
}

type BilledRow = {
  readonly account_id: string;
  readonly start_at: bigint;
  readonly app: string;
  readonly database: string | null;
  readonly sizeTenths: number | null;
  readonly quantity: bigint;
  readonly amountCents: bigint;
};

function keyOf(accountId: string, start: Second): string {
  return JSON.stringify([accountId, start.toString()]);
}

/** What the periods are charged for by all that is known now, in their order. */
async function chargedNow(
  db: Db,
  priceBooks: PriceBooksOf,
  closed: readonly ClosedPeriod[],
): Promise<ChargedUsage[][]> {
  const stretches = closed.flatMap(({ account, start, end }, position) => {
    const window = { from: start, to: lastCounted(account, end) };
    return stretchesOf(window, account.upgradedAt, priceBooks(account.id)).map((stretch) => ({
      ...stretch,
      account: account.id,
      position,
    }));
  });
  const usages = await usageOf(db, stretches);
  const charged: ChargedUsage[][] = closed.map(() => []);
  stretches.forEach(({ position, priceBook }, index) => {
    charged[position]!.push({ priceBook, usage: usages[index]! });
  });
  return charged;
}
