import { lockAccounts } from '../accounts/lock.ts';
import type { Db } from '../database/pool.ts';
import { balancesOf } from '../ledger/store.ts';
import { cutSeries } from '../metering/checkpoints.ts';
import { usageOf } from '../metering/usage-store.ts';
import { priceBookAt, type PriceBook } from '../pricing/price-book.ts';
import { priceUsage } from '../pricing/price-usage.ts';
import { listPriceBooks } from '../pricing/store.ts';
import { groupBy } from '../values/group.ts';
import { toSecond, type Second } from '../values/instant.ts';
import { composeInvoice } from './compose-invoice.ts';
import { duePeriod, type DueAccount } from './due-period.ts';
import { findDue, readDue, saveClosed, type ClosedPeriod } from './store.ts';
import { stretchesOf } from './stretches.ts';

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
  const priceBooks = await listPriceBooks(db);
  const endedBy = toSecond(now) - closing.graceSeconds;
  const failed = new Set<string>();
  const total = { periods: 0, invoices: 0 };
  const close = async (accountIds: readonly string[]): Promise<void> => {
    const closed = await closeChunk(db, now, endedBy, priceBooks, accountIds);
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
  priceBooks: readonly PriceBook[],
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
      const closed = await billChunk(tx, priceBooks, due);
      await saveClosed(tx, now, closed);
      return {
        periods: closed.length,
        invoices: closed.filter((period) => period.invoice !== undefined).length,
      };
    });
}

/** The bills of many accounts' due periods, from their series. FREE periods cost nothing (R18). */
async function billChunk(
  tx: Db,
  priceBooks: readonly PriceBook[],
  due: readonly DueAccount[],
): Promise<ClosedPeriod[]> {
  const periods = due.map(duePeriod);
  const stretches = periods.flatMap(({ account, start, end }) =>
    stretchesOf({ from: start, to: end }, account.upgradedAt, priceBooks).map((stretch) => ({
      ...stretch,
      account: account.id,
    })),
  );
  const usages = await usageOf(tx, stretches);
  const charged = groupBy(
    stretches.map((stretch, index) => ({ ...stretch, usage: usages[index]! })),
    ({ account }) => account,
  );
  const balances = await balancesOf(tx, [...charged.keys()]);
  return periods.map((period): ClosedPeriod => {
    const chargedUsage = charged.get(period.account.id);
    if (chargedUsage === undefined) return { ...period, invoice: undefined };
    const invoice = composeInvoice({
      accountId: period.account.id,
      periodStart: period.start,
      lines: priceUsage(period.full, chargedUsage),
      balances: balances.get(period.account.id)!,
      minimumChargeCents: priceBookAt(priceBooks, period.end).minimumChargeCents,
    });
    return { ...period, invoice };
  });
}
