import { lockAccounts } from '../accounts/lock.ts';
import type { Db } from '../database/pool.ts';
import { cutSeries } from '../metering/series/checkpoints.ts';
import { readPrices } from '../pricing/store.ts';
import { earlier, toSecond, type Second } from '../values/instant.ts';
import { billPeriods } from './bill-periods.ts';
import { duePeriod } from './due-period.ts';
import { findDue, readDue, takeDue } from './due-store.ts';
import { planCorrections } from './plan-corrections.ts';
import { reportTooLate } from './report-too-late.ts';
import { saveClosed } from './store.ts';

export type Closing = {
  /** How long after its end a period stays open for facts that are on their way. */
  readonly graceSeconds: bigint;
  /** Leaves open what ended after this; by default nothing is left open but what waits for its grace. */
  readonly until?: Second;
  readonly chunkSize?: number;
  /** Told after each committed chunk that closed something. */
  readonly onProgress?: (closed: Closed) => void;
  /** Told of an account that cannot be closed; it stays due and the others go on. */
  readonly onFailure: (accountId: string, error: unknown) => void;
};

export type Closed = { readonly periods: number; readonly invoices: number };

/** Two, so that the database writes one chunk while the other is priced here. */
const LANES = 2;

/**
 * Closes every period that has ended, oldest first, several per account where several are due: keeps its
 * checkpoints, prices it and freezes its invoice (R30). Works in chunks of accounts, one transaction each.
 * Run twice or by two workers it closes each period once, since the period's row is unique; workers take
 * different accounts. Corrections of accounts that are deleted become due, too.
 */
export async function closeDuePeriods(db: Db, now: Date, closing: Closing): Promise<Closed> {
  await planCorrections(db, now);
  const until = earlier(closing.until ?? toSecond(now), toSecond(now));
  const endedBy = earlier(until, toSecond(now) - closing.graceSeconds);
  const failed = new Set<string>();
  const total = { periods: 0, invoices: 0 };
  /** Closes what it takes; should that fail, each account by itself. Answers how many it took. */
  const close = async (take: Take): Promise<number> => {
    let taken: readonly string[] = [];
    try {
      const due = { until, endedBy };
      const closed = await closeChunk(db, now, due, async (tx) => (taken = await take(tx)));
      total.periods += closed.periods;
      total.invoices += closed.invoices;
      if (closed.periods > 0) closing.onProgress?.(total);
    } catch (error) {
      if (taken.length === 0) throw error;
      if (taken.length > 1) for (const one of taken) await close(waitFor([one]));
      else fail(taken[0]!, error);
    }
    return taken.length;
  };
  const fail = (accountId: string, error: unknown): void => {
    if (!failed.has(accountId)) closing.onFailure(accountId, error);
    failed.add(accountId);
  };
  const lane = async (): Promise<void> => {
    for (;;) {
      const due = [until, endedBy, [...failed], closing.chunkSize ?? 500] as const;
      if ((await close(async (tx) => await takeDue(tx, ...due))) > 0) continue;
      // What is left is with others, and ours should they fail.
      const held = await findDue(db, ...due);
      if (held.length === 0) return;
      await close(waitFor(held));
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return total;
}

/** Locks accounts until the transaction ends, and answers which. */
type Take = (tx: Db) => Promise<readonly string[]>;

function waitFor(accountIds: readonly string[]): Take {
  return async (tx) => {
    await lockAccounts(tx, accountIds);
    return accountIds;
  };
}

async function closeChunk(
  db: Db,
  now: Date,
  { until, endedBy }: { readonly until: Second; readonly endedBy: Second },
  take: Take,
): Promise<Closed> {
  return await db
    .transaction()
    .setIsolationLevel('read committed')
    .execute(async (tx) => {
      const accountIds = await take(tx);
      const due = accountIds.length === 0 ? [] : await readDue(tx, until, endedBy, accountIds);
      if (due.length === 0) return { periods: 0, invoices: 0 };
      await cutSeries(
        tx,
        due.map(({ id, closeAt }) => ({ account: id, at: closeAt })),
      );
      const priceBooks = await readPrices(tx, accountIds);
      const periods = due.map(duePeriod);
      const closed = await billPeriods(tx, priceBooks, periods);
      await saveClosed(tx, now, closed);
      await reportTooLate(tx, now, priceBooks, periods);
      return {
        periods: closed.length,
        invoices: closed.filter((period) => period.invoice !== undefined).length,
      };
    });
}
