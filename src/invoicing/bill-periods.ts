import type { Db } from '../database/pool.ts';
import { withEntries, type Balances, type LedgerEntry } from '../ledger/entry.ts';
import { balancesOf } from '../ledger/store.ts';
import { usageOf } from '../metering/usage-store.ts';
import { priceBookAt, type PriceBook } from '../pricing/price-book.ts';
import { priceUsage, type ChargedUsage } from '../pricing/price-usage.ts';
import { groupBy } from '../values/group.ts';
import { composeInvoice, type ComposedInvoice } from './compose-invoice.ts';
import type { DuePeriod } from './due-period.ts';
import { stretchesOf } from './stretches.ts';

/** A period with the invoice it gets, if it is charged at all. */
export type BilledPeriod = DuePeriod & { readonly invoice: ComposedInvoice | undefined };

/**
 * The bills of many accounts' periods, one of each account, from their series; FREE periods cost nothing
 * (R18). Writes nothing: the close saves what comes out, a preview only shows it. `entries` count as if they
 * were in the ledger already.
 */
export async function billPeriods(
  db: Db,
  priceBooks: readonly PriceBook[],
  periods: readonly DuePeriod[],
  entries: readonly LedgerEntry[] = [],
): Promise<BilledPeriod[]> {
  const stretches = periods.flatMap(({ account, start, end }) =>
    stretchesOf({ from: start, to: end }, account.upgradedAt, priceBooks).map((stretch) => ({
      ...stretch,
      account: account.id,
    })),
  );
  const usages = await usageOf(db, stretches);
  const charged = groupBy(
    stretches.map((stretch, index) => ({ ...stretch, usage: usages[index]! })),
    ({ account }) => account,
  );
  const balances = await balancesOf(db, [...charged.keys()]);
  return periods.map((period): BilledPeriod => {
    const { id } = period.account;
    const chargedUsage = charged.get(id);
    if (chargedUsage === undefined) return { ...period, invoice: undefined };
    return {
      ...period,
      invoice: invoiceOf(
        period,
        priceBooks,
        chargedUsage,
        withEntries(
          balances.get(id)!,
          entries.filter(({ accountId }) => accountId === id),
        ),
      ),
    };
  });
}

function invoiceOf(
  period: DuePeriod,
  priceBooks: readonly PriceBook[],
  charged: readonly ChargedUsage[],
  balances: Balances,
): ComposedInvoice {
  return composeInvoice({
    accountId: period.account.id,
    periodStart: period.start,
    lines: priceUsage(period.full, charged),
    balances,
    minimumChargeCents: priceBookAt(priceBooks, period.end).minimumChargeCents,
  });
}
