import { lastCounted } from '../accounts/account.ts';
import type { Db } from '../database/pool.ts';
import { withEntries, type LedgerEntry } from '../ledger/entry.ts';
import { balancesOf } from '../ledger/store.ts';
import { usageOf } from '../metering/usage/usage-store.ts';
import type { PriceBooksOf } from '../pricing/account-price.ts';
import { priceBookAt } from '../pricing/price-book.ts';
import { priceUsage } from '../pricing/price-usage.ts';
import { groupBy } from '../values/group.ts';
import { composeInvoice, type ComposedInvoice } from './compose-invoice.ts';
import type { DuePeriod } from './due-period.ts';
import { findAdjustments } from './find-adjustments.ts';
import { stretchesOf } from './stretches.ts';

/** A period with the invoice it gets, if it is charged at all. */
export type BilledPeriod = DuePeriod & { readonly invoice: ComposedInvoice | undefined };

/**
 * The bills of many accounts' periods, one of each account, from their series; FREE periods cost nothing
 * (R18). Each carries the corrections of earlier periods (R60), the last one what was carried. Writes nothing:
 * the close saves what comes out, a preview only shows it. `entries` count as if they were in the ledger already.
 */
export async function billPeriods(
  db: Db,
  priceBooks: PriceBooksOf,
  periods: readonly DuePeriod[],
  entries: readonly LedgerEntry[] = [],
): Promise<BilledPeriod[]> {
  const stretches = periods.flatMap(({ account, start, end }) => {
    const window = { from: start, to: lastCounted(account, end) };
    return stretchesOf(window, account.upgradedAt, priceBooks(account.id)).map((stretch) => ({
      ...stretch,
      account: account.id,
    }));
  });
  const usages = await usageOf(db, stretches);
  const charged = groupBy(
    stretches.map((stretch, index) => ({ ...stretch, usage: usages[index]! })),
    ({ account }) => account,
  );
  const adjustments = await findAdjustments(db, priceBooks, periods);
  const last = periods.filter(isLast).map(({ account }) => account.id);
  const ids = new Set([...charged.keys(), ...adjustments.keys(), ...last]);
  const balances = await balancesOf(db, [...ids]);
  return periods.map((period): BilledPeriod => {
    const { id } = period.account;
    const chargedUsage = charged.get(id);
    const corrections = adjustments.get(id) ?? [];
    const isCharged = chargedUsage !== undefined || corrections.length > 0;
    const isLeft = isLast(period) && balances.get(id)!.carried > 0n;
    if (!isCharged && !isLeft) return { ...period, invoice: undefined };
    const invoice = composeInvoice({
      accountId: id,
      periodStart: period.start,
      lines: [...priceUsage(period.full, chargedUsage ?? []), ...corrections],
      balances: withEntries(
        balances.get(id)!,
        entries.filter(({ accountId }) => accountId === id),
      ),
      minimumChargeCents: priceBookAt(priceBooks(id), period.end).minimumChargeCents,
      isLast: isLast(period),
    });
    return { ...period, invoice };
  });
}

function isLast({ nextCloseAt }: DuePeriod): boolean {
  return nextCloseAt === undefined;
}
