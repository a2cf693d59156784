import { lockAccounts } from '../accounts/lock.ts';
import type { Db } from '../database/pool.ts';
import { cutSeries } from '../metering/checkpoints.ts';
import { readPrices } from '../pricing/store.ts';
import { toSecond, type Second } from '../values/instant.ts';
import { billPeriods } from './bill-periods.ts';
import { duePeriod } from './due-period.ts';
import { reportTooLate } from './report-unbilled.ts';
import { findDue, readDue, saveClosed } from './store.ts';

export type Closing = {
  /** How long after its end a period stays open for facts that are on their way. */
  readonly graceSeconds: bigint;
  readonly chunkSize?: number;
  /** Told after each committed chunk. */
  readonly onProgress?: (closed: Closed) => void;
  /** Told of an account that cannot be closed; it stays due and the others go on. */
  readonly onFailure: (accountId: string, error: unknown) => void;
};

export type Closed = { readonly periods: number; readonly invoices: number };

/**
 * Closes every period that has ended, oldest first, several per account where several are due: keeps its
 * checkpoints, prices it and freezes its invoice (R30). Works in chunks of accounts, one transaction each.
 * Run twice or by two workers it closes each period once, since the period's row is unique.
 */
export async function closeDuePeriods(db: Db, now: Date, closing: Closing): Promise<Closed> {
  const endedBy = toSecond(now) - closing.graceSeconds;
  const failed = new Set<string>();
  const total = { periods: 0, invoices: 0 };
  const close = async (accountIds: readonly string[]): Promise<void> => {
    const closed = await closeChunk(db, now, endedBy, accountIds);
    total.periods += closed.periods;
    total.invoices += closed.invoices;
    closing.onProgress?.(total);
  };
  for (;;) {
    const due = await findDue(db, toSecond(now), endedBy, [...failed], closing.chunkSize ?? 500);
    if (due.length === 0) return total;
    try {
      await close(due);
    } catch {
      for (const accountId of due) {
        await close([accountId]).catch((error: unknown) => {
          failed.add(accountId);
          closing.onFailure(accountId, error);
        });
      }
    }
  }
}

async function closeChunk(
  db: Db,
  now: Date,
  endedBy: Second,
  accountIds: readonly string[],
): Promise<Closed> {
  return await db
    .transaction()
    .setIsolationLevel('read committed')
    .execute(async (tx) => {
      await lockAccounts(tx, accountIds);
      const due = await readDue(tx, toSecond(now), endedBy, accountIds);
      await cutSeries(
        tx,
        due.map(({ id, closeAt }) => ({ account: id, at: closeAt })),
      );
      const priceBooks = await readPrices(tx, accountIds);
      const periods = due.map(duePeriod);
      const closed = await billPeriods(tx, priceBooks, periods);
      await saveClosed(tx, now, closed);
      await reportTooLate(tx, now, periods);
      return {
        periods: closed.length,
        invoices: closed.filter((period) => period.invoice !== undefined).length,
      };
    });
}
