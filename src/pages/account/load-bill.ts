import { sql } from 'kysely';
import { tierAt, type Account, type Tier } from '../../accounts/account.ts';
import { requireAccount } from '../../accounts/require-account.ts';
import type { Db } from '../../database/pool.ts';
import { pageInvoices, type InvoiceHead } from '../../invoicing/page-invoices.ts';
import { previewAndForecast, type BillPreview } from '../../invoicing/preview-bill.ts';
import { runRate, type Rate } from '../../invoicing/run-rate.ts';
import { pageCredits, type CreditEntry } from '../../ledger/page-credits.ts';
import { balancesOf } from '../../ledger/store.ts';
import { NO_LEVELS, type Levels } from '../../metering/levels.ts';
import { levelsOf } from '../../metering/levels-store.ts';
import { readDesired, type DesiredState } from '../../platform/desired-state.ts';
import { priceBookAt } from '../../pricing/price-book.ts';
import { priceBooksOf } from '../../pricing/store.ts';
import { unconfirmedOf, type Unconfirmed } from '../../sources/unconfirmed.ts';
import { findCard, type Card } from '../../stripe/cards/card-setup-store.ts';
import { toSecond, type Second } from '../../values/instant.ts';
import type { Cents } from '../../values/money.ts';
import { dailyCosts, type DailyCosts } from './daily-costs.ts';
import { levelHistory, type LevelHistory } from './level-history.ts';

/** All that the page of an account shows; amounts by the verbs the API answers by. */
export type Bill = {
  readonly account: Account;
  readonly tier: Tier;
  readonly at: Second;
  readonly soFar: BillPreview;
  readonly forecast: BillPreview;
  /** Within the running period. */
  readonly unconfirmed: readonly Unconfirmed[];
  readonly levels: Levels;
  readonly desired: DesiredState;
  /** At present levels over one period. */
  readonly rate: Rate;
  /** The same in the STANDARD tier. */
  readonly chargedRate: Rate;
  readonly daily: DailyCosts;
  /** When it was asked for, and where there is no cost to look at. */
  readonly levelHistory: readonly LevelHistory[] | undefined;
  /** At the latest observation of each database. */
  readonly rows: ReadonlyMap<string, number>;
  readonly creditCents: Cents;
  readonly credits: readonly CreditEntry[];
  readonly card: Card | undefined;
  readonly pastDueSince: Date | undefined;
  /** The latest first. */
  readonly invoices: readonly InvoiceHead[];
};

/** Eight years of months; older ones are in the API. */
const MOST_INVOICES = 100;
const MOST_CREDITS = 100;

export async function loadBill(
  db: Db,
  accountId: string,
  now: Date,
  options: { readonly withLevels: boolean },
): Promise<Bill> {
  const account = await requireAccount(db, accountId);
  const at = toSecond(now);
  const tier = tierAt(account, at);
  const priceBooks = await priceBooksOf(db, accountId);
  const { soFar, forecast } = await previewAndForecast(db, account, at, priceBooks);
  const isDeleted = account.deletedAt !== undefined && account.deletedAt <= at;
  const levels = isDeleted ? NO_LEVELS : await levelsOf(db, accountId);
  const terms = { priceBook: priceBookAt(priceBooks, at), period: soFar.period };
  const withLevels = options.withLevels || tier === 'FREE';
  const window = { from: soFar.period.start, to: soFar.countedTo };
  const page = { after: undefined };
  return {
    account,
    tier,
    at,
    soFar,
    forecast,
    unconfirmed: await unconfirmedOf(db, accountId, window),
    levels,
    desired: await readDesired(db, accountId),
    rate: runRate(levels, { ...terms, tier }),
    chargedRate: runRate(levels, { ...terms, tier: 'STANDARD' }),
    daily: await dailyCosts(db, account, priceBooks, soFar, forecast),
    levelHistory: withLevels ? await levelHistory(db, accountId, window) : undefined,
    rows: await observedRows(db, accountId),
    creditCents: (await balancesOf(db, [accountId])).get(accountId)!.credit,
    credits: await pageCredits(db, accountId, { ...page, limit: MOST_CREDITS }),
    card: await findCard(db, accountId),
    pastDueSince: await pastDueSince(db, accountId),
    invoices: (await pageInvoices(db, accountId, { ...page, limit: MOST_INVOICES })).toReversed(),
  };
}

async function observedRows(db: Db, accountId: string): Promise<ReadonlyMap<string, number>> {
  const { rows } = await sql<{ readonly database: string; readonly rows: number }>`
    select known.database, latest.rows
    from database_app known
    cross join lateral (
      select (details ->> 'rows')::float8 as rows from standing_event
      where account_id = ${accountId} and type = 'database.rows_observed'
        and details ->> 'database' = known.database
      order by at desc, tie desc, event_id desc, source desc limit 1
    ) latest
    where known.account_id = ${accountId}`.execute(db);
  return new Map(rows.map(({ database, rows: count }) => [database, count]));
}

async function pastDueSince(db: Db, accountId: string): Promise<Date | undefined> {
  const row = await db
    .selectFrom('account_standing')
    .select('past_due_since')
    .where('account_id', '=', accountId)
    .executeTakeFirst();
  return row?.past_due_since ?? undefined;
}
