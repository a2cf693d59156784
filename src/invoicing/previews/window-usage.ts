import { lastCounted, type Account } from '../../accounts/account.ts';
import type { Db } from '../../database/pool.ts';
import { usageOf } from '../../metering/usage/usage-store.ts';
import type { AppUsage, DatabaseUsage, Usage, Window } from '../../metering/usage/usage.ts';
import { totalOf, type Line } from '../../pricing/line.ts';
import { priceUsage } from '../../pricing/price-usage.ts';
import { priceBooksOf } from '../../pricing/store.ts';
import { groupBy } from '../../values/group.ts';
import { Fault } from '../../values/fault.ts';
import { earlier, later, type Second } from '../../values/instant.ts';
import type { Cents } from '../../values/money.ts';
import { periodsUntil } from '../../values/period.ts';
import { stretchesOf } from '../stretches.ts';

export type PricedUsage = {
  /** What was really counted: not before the sign-up, not after now or the account's deletion. */
  readonly window: Window;
  readonly apps: readonly (AppUsage & { readonly amountCents: Cents })[];
  readonly databases: readonly (DatabaseUsage & { readonly amountCents: Cents })[];
  readonly totalCents: Cents;
};

/** Ten years of billing periods. */
const MOST_PERIODS = 120;

/**
 * What an account used over any window, per resource, and what that costs by itself: each billing period in
 * it is priced and rounded on its own, as its invoice is, so that whole periods cost what they were billed.
 *
 * @throws Fault `window_too_long`.
 */
export async function windowUsage(
  db: Db,
  account: Account,
  asked: Window,
  now: Second,
): Promise<PricedUsage> {
  const from = later(asked.from, account.signedUpAt);
  const window = { from, to: later(from, earlier(asked.to, lastCounted(account, now))) };
  const parts = periodsUntil(account.signedUpAt, window.to)
    .filter((period) => period.end > window.from && period.start < window.to)
    .map((period) => ({
      period,
      window: { from: later(period.start, window.from), to: earlier(period.end, window.to) },
    }));
  if (parts.length > MOST_PERIODS) {
    const message = `the window may span at most ${MOST_PERIODS} billing periods, not ${parts.length}`;
    throw new Fault('invalid', 'window_too_long', message);
  }
  const priceBooks = await priceBooksOf(db, account.id);
  const stretches = parts.flatMap((part) =>
    stretchesOf(part.window, account.upgradedAt, priceBooks).map((stretch) => ({
      ...stretch,
      part,
    })),
  );
  const [usage, ...charged] = await usageOf(
    db,
    [window, ...stretches].map(({ from: start, to }) => ({
      account: account.id,
      from: start,
      to,
    })),
  );
  const byPart = groupBy(
    stretches.map((stretch, index) => ({ ...stretch, usage: charged[index]! })),
    ({ part }) => part,
  );
  const lines = [...byPart].flatMap(([{ period }, ofPart]) => priceUsage(period, ofPart));
  return { window, ...withAmounts(usage!, lines), totalCents: totalOf(lines) };
}

function withAmounts(
  usage: Usage,
  lines: readonly Line[],
): Pick<PricedUsage, 'apps' | 'databases'> {
  const amounts = new Map<string, Cents>();
  for (const line of lines) {
    const key = keyOf(line);
    amounts.set(key, (amounts.get(key) ?? 0n) + line.amountCents);
  }
  const amountOf = (key: string): Cents => amounts.get(key) ?? 0n;
  return {
    apps: usage.apps.map((row) => ({ ...row, amountCents: amountOf(keyOf(row)) })),
    databases: usage.databases.map((row) => ({ ...row, amountCents: amountOf(keyOf(row)) })),
  };
}

function keyOf(row: AppUsage | Pick<DatabaseUsage, 'database' | 'sizeTenths'>): string {
  return JSON.stringify(
    'database' in row ? ['database', row.database, row.sizeTenths] : ['app', row.app],
  );
}
