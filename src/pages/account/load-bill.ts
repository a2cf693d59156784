import { tierAt, type Tier } from '../../accounts/account.ts';
import type { Db } from '../../database/pool.ts';
import { latestInvoices, type InvoicePage } from '../../invoicing/page-invoices.ts';
import { previewAndForecast, type BillPreview } from '../../invoicing/previews/preview-bill.ts';
import { runRate, type Rate } from '../../invoicing/previews/run-rate.ts';
import { askUsage, together } from '../../metering/usage/ask-usage.ts';
import { NO_LEVELS, type Levels } from '../../metering/usage/levels.ts';
import { readDesired, runningOf, type DesiredState } from '../../platform/desired-state.ts';
import { priceBookAt, type PriceBook } from '../../pricing/price-book.ts';
import { priceBooksOf } from '../../pricing/store.ts';
import { toSecond, type Second } from '../../values/instant.ts';
import { readAccountHead, type AccountHead } from './account-head.ts';
import { dailyCosts, type DailyCosts } from './charts/daily-costs.ts';
import { levelHistory, type LevelHistory } from './charts/level-history.ts';

/** All that the page of an account shows; amounts by the verbs the API answers by. */
export type Bill = AccountHead & {
  readonly tier: Tier;
  readonly at: Second;
  /** Those that hold for the account. */
  readonly priceBooks: readonly PriceBook[];
  readonly soFar: BillPreview;
  readonly forecast: BillPreview;
  readonly levels: Levels;
  readonly desired: DesiredState;
  /** At present levels over one period. */
  readonly rate: Rate;
  /** The same in the STANDARD tier. */
  readonly chargedRate: Rate;
  readonly daily: DailyCosts;
  /** When it was asked for, and where there is no cost to look at. */
  readonly levelHistory: readonly LevelHistory[] | undefined;
  readonly invoices: InvoicePage;
  readonly invoicesBefore: Second | undefined;
};

/** A year of months. */
const INVOICES_PER_PAGE = 12;

export type BillOptions = {
  readonly withLevels: boolean;
  /** Only invoices of periods that began before this; undefined: the latest. */
  readonly invoicesBefore: Second | undefined;
};

export async function loadBill(
  db: Db,
  accountId: string,
  now: Date,
  { invoicesBefore, ...options }: BillOptions,
): Promise<Bill> {
  const at = toSecond(now);
  const head = await readAccountHead(db, accountId, at);
  const { account } = head;
  const priceBooks = await priceBooksOf(db, accountId);
  const question = together(
    previewAndForecast(account, at, priceBooks),
    dailyCosts(account, at, priceBooks),
  );
  const [{ soFar, forecast }, costsOf] = await askUsage(db, accountId, question);
  const desired = await readDesired(db, accountId);
  const isDeleted = account.deletedAt !== undefined && account.deletedAt <= at;
  const levels = isDeleted ? NO_LEVELS : runningOf(desired);
  const tier = tierAt(account, at);
  const terms = { priceBook: priceBookAt(priceBooks, at), period: soFar.period };
  const window = { from: soFar.period.start, to: soFar.countedTo };
  const withLevels = options.withLevels || tier === 'FREE';
  return {
    ...head,
    unconfirmed: head.unconfirmed.filter(({ to }) => to === undefined || to > window.from),
    tier,
    at,
    priceBooks,
    soFar,
    forecast,
    levels,
    desired,
    rate: runRate(levels, { ...terms, tier }),
    chargedRate: runRate(levels, { ...terms, tier: 'STANDARD' }),
    daily: costsOf(soFar, forecast),
    levelHistory: withLevels ? await levelHistory(db, accountId, window) : undefined,
    invoices: await latestInvoices(db, accountId, {
      before: invoicesBefore,
      limit: INVOICES_PER_PAGE,
    }),
    invoicesBefore,
  };
}
