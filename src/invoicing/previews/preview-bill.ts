import { lastCounted, tierAt, type Account, type Tier } from '../../accounts/account.ts';
import type { Db } from '../../database/pool.ts';
import { askUsage, type UsageQuestion } from '../../metering/usage/ask-usage.ts';
import type { Usage, Window } from '../../metering/usage/usage.ts';
import { totalOf, type Line } from '../../pricing/line.ts';
import type { PriceBook } from '../../pricing/price-book.ts';
import { priceUsage } from '../../pricing/price-usage.ts';
import { priceBooksOf } from '../../pricing/store.ts';
import { later, type Second } from '../../values/instant.ts';
import type { Cents } from '../../values/money.ts';
import { periodAt, type Period } from '../../values/period.ts';
import { stretchesOf } from '../stretches.ts';

export type BillPreview = {
  readonly period: Period;
  /** What is counted ends here: now, or the account's deletion. */
  readonly countedTo: Second;
  readonly tier: Tier;
  readonly usage: Usage;
  readonly lines: readonly Line[];
  readonly totalCents: Cents;
};

/**
 * What the running period has come to so far, as its close would bill it if it ended now (R32), before
 * credits. It counts up to `at`, at most to the account's deletion.
 */
export async function previewBill(db: Db, account: Account, at: Second): Promise<BillPreview> {
  const { period, ...window } = windowUpTo(account, at, at);
  return await billWindow(db, account, period, window);
}

/**
 * What the running period will come to by its end when nothing changes any more: the levels of `at` go on,
 * prices that are known to change change.
 */
export async function forecastBill(db: Db, account: Account, at: Second): Promise<BillPreview> {
  const { period, ...window } = windowUpTo(account, at, runningPeriod(account, at).end);
  return await billWindow(db, account, period, window);
}

/** Both of them. */
export function previewAndForecast(
  account: Account,
  at: Second,
  priceBooks: readonly PriceBook[],
): UsageQuestion<{ readonly soFar: BillPreview; readonly forecast: BillPreview }> {
  const { end } = runningPeriod(account, at);
  const both = [windowUpTo(account, at, at), windowUpTo(account, at, end)];
  const { windows, answer } = billsOf(account, priceBooks, both);
  return {
    windows,
    answer: (usages) => {
      const [soFar, forecast] = answer(usages);
      return { soFar: soFar!, forecast: forecast! };
    },
  };
}

/** What a window within one billing period costs by itself. */
export async function billWindow(
  db: Db,
  account: Account,
  period: Period,
  window: Window,
): Promise<BillPreview> {
  const priceBooks = await priceBooksOf(db, account.id);
  const question = billsOf(account, priceBooks, [{ ...window, period }]);
  const [bill] = await askUsage(db, account.id, question);
  return bill!;
}

type PeriodWindow = Window & { readonly period: Period };

function windowUpTo(account: Account, at: Second, to: Second): PeriodWindow {
  const period = runningPeriod(account, at);
  return { period, from: period.start, to: lastCounted(account, to) };
}

function billsOf(
  account: Account,
  priceBooks: readonly PriceBook[],
  windows: readonly PeriodWindow[],
): UsageQuestion<readonly BillPreview[]> {
  const parts = windows.map((window) => stretchesOf(window, account.upgradedAt, priceBooks));
  return {
    windows: windows.flatMap((window, index) => [window, ...parts[index]!]),
    answer: (usages) => {
      const rest = usages.values();
      return windows.map(({ period, to }, index) => {
        const usage = rest.next().value!;
        const charged = parts[index]!.map(({ priceBook }) => ({
          priceBook,
          usage: rest.next().value!,
        }));
        const lines = priceUsage(period, charged);
        const tier = tierAt(account, to);
        return { period, countedTo: to, tier, usage, lines, totalCents: totalOf(lines) };
      });
    },
  };
}

/** The billing period that `at` lies in; the last one of a deleted account, the first before its sign-up. */
export function runningPeriod(
  account: Pick<Account, 'signedUpAt' | 'deletedAt'>,
  at: Second,
): Period {
  return periodAt(account.signedUpAt, later(account.signedUpAt, lastCounted(account, at)));
}
