import { lastCounted, type Account } from '../../accounts/account.ts';
import { pageAccounts } from '../../accounts/page-accounts.ts';
import type { Db } from '../../database/pool.ts';
import { usageOf } from '../../metering/usage/usage-store.ts';
import type { Usage, Window } from '../../metering/usage/usage.ts';
import type { PriceBooksOf } from '../../pricing/account-price.ts';
import { totalOf } from '../../pricing/line.ts';
import type { PriceBook } from '../../pricing/price-book.ts';
import { priceUsage } from '../../pricing/price-usage.ts';
import { pricesWithin, readPrices } from '../../pricing/store.ts';
import { earlier, later } from '../../values/instant.ts';
import type { Cents } from '../../values/money.ts';
import { periodsUntil, type Period } from '../../values/period.ts';
import { stretchesOf, type Stretch } from '../stretches.ts';

/** What an account's usage costs, by the prices there were and by the others; before credits. */
export type Repriced = {
  readonly accountId: string;
  readonly oldCents: Cents;
  readonly newCents: Cents;
};

export type WhatIf = {
  /** Instead of all books there are; accounts' own prices still go before it. */
  readonly priceBook: PriceBook;
  /** What is priced of the history of every account. */
  readonly window: Window;
  readonly accountsPerPage?: number;
  /** Told of each page in the order of account ids, without accounts that were never charged. */
  readonly onPage: (repriced: readonly Repriced[], accountsSoFar: number) => void;
};

const ACCOUNTS_PER_PAGE = 200;
/** As many windows are asked for at once; their rows are what is held in memory. */
const WINDOWS_AT_ONCE = 500;

/**
 * Prices the real history of all accounts a second time, by another book. Each billing period within the
 * window is priced and rounded on its own, as its invoice is, by all that is known now: by an equal book whole
 * periods cost what they were billed, corrections included. Reads one moment and can write nothing; needs
 * memory for one page.
 */
export async function whatIf(db: Db, asked: WhatIf): Promise<void> {
  const limit = asked.accountsPerPage ?? ACCOUNTS_PER_PAGE;
  await db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (tx) => {
      let after: string | undefined;
      let accountsSoFar = 0;
      for (;;) {
        const accounts = await pageAccounts(tx, { after, limit });
        accountsSoFar += accounts.length;
        asked.onPage(await repricePage(tx, accounts, asked), accountsSoFar);
        if (accounts.length < limit) return;
        after = accounts.at(-1)!.id;
      }
    });
}

/** A billing period, or the part of it within the window, cut by the books there were and by the other one. */
type Part = {
  readonly accountId: string;
  readonly period: Period;
  readonly old: readonly Stretch[];
  readonly new: readonly Stretch[];
};

async function repricePage(
  tx: Db,
  accounts: readonly Account[],
  { priceBook, window }: WhatIf,
): Promise<Repriced[]> {
  const ids = accounts.map(({ id }) => id);
  const oldBooks = await readPrices(tx, ids);
  const newBooks = await pricesWithin(tx, [priceBook], ids);
  const totals = new Map<string, Repriced>();
  const parts = accounts.flatMap((account) => partsOf(account, window, oldBooks, newBooks));
  for (const some of atOnce(parts)) {
    const usages = await usageOf(
      tx,
      some.flatMap((part) =>
        [...part.old, ...part.new].map(({ from, to }) => ({ account: part.accountId, from, to })),
      ),
    );
    for (const { accountId, period, ...cut } of some) {
      const before = totals.get(accountId);
      totals.set(accountId, {
        accountId,
        oldCents: (before?.oldCents ?? 0n) + costOf(period, cut.old, usages),
        newCents: (before?.newCents ?? 0n) + costOf(period, cut.new, usages),
      });
    }
  }
  return [...totals.values()];
}

function partsOf(
  account: Account,
  asked: Window,
  oldBooks: PriceBooksOf,
  newBooks: PriceBooksOf,
): Part[] {
  const { id, signedUpAt, upgradedAt } = account;
  const to = lastCounted(account, asked.to);
  return periodsUntil(signedUpAt, to).flatMap((period): Part[] => {
    const window = { from: later(period.start, asked.from), to: earlier(period.end, to) };
    if (window.from >= window.to) return [];
    const old = stretchesOf(window, upgradedAt, oldBooks(id));
    if (old.length === 0) return [];
    return [{ accountId: id, period, old, new: stretchesOf(window, upgradedAt, newBooks(id)) }];
  });
}

function* atOnce(parts: readonly Part[]): Generator<Part[]> {
  let some: Part[] = [];
  let windows = 0;
  for (const part of parts) {
    some.push(part);
    windows += part.old.length + part.new.length;
    if (windows < WINDOWS_AT_ONCE) continue;
    yield some;
    some = [];
    windows = 0;
  }
  if (some.length > 0) yield some;
}

/** Takes the usages of its stretches from the front of `usages`. */
function costOf(period: Period, stretches: readonly Stretch[], usages: Usage[]): Cents {
  const used = usages.splice(0, stretches.length);
  return totalOf(
    priceUsage(
      period,
      stretches.map(({ priceBook }, index) => ({ priceBook, usage: used[index]! })),
    ),
  );
}
