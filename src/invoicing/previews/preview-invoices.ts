import type { Account } from '../../accounts/account.ts';
import type { Db } from '../../database/pool.ts';
import type { LedgerEntry } from '../../ledger/entry.ts';
import { readPrices } from '../../pricing/store.ts';
import { earlier, type Second } from '../../values/instant.ts';
import { billPeriods, type BilledPeriod } from '../bill-periods.ts';
import { duePeriod } from '../due-period.ts';
import { readOpen } from '../due-store.ts';
import { planFor } from '../plan-corrections.ts';

/**
 * The invoices there would be if everything until `at` were closed now, by the code that closes: the running
 * period, cut short there, and before it any that has ended but waits for its close. Credits and carried
 * balances are used in that order. For an account whose last period is closed, what would correct it, if anything.
 */
export async function previewInvoices(
  db: Db,
  account: Account,
  at: Second,
): Promise<readonly BilledPeriod[]> {
  const priceBooks = await readPrices(db, [account.id]);
  const billed: BilledPeriod[] = [];
  const entries: LedgerEntry[] = [];
  let open = (await readOpen(db, account.id)) ?? (await planFor(db, account.id, at));
  while (open !== undefined) {
    const due = duePeriod(open);
    if (due.start >= at) break;
    const period = { ...due, end: earlier(due.end, at) };
    const [bill] = await billPeriods(db, priceBooks, [period], entries);
    billed.push(bill!);
    entries.push(...(bill!.invoice?.ledgerEntries ?? []));
    // The first of them carries the corrections.
    const closeAt = due.nextCloseAt;
    open = closeAt === undefined ? undefined : { ...open, closeAt, lateSince: undefined };
  }
  return billed;
}
