import { addSignals } from '../accounts/signals.ts';
import type { Db } from '../database/pool.ts';
import type { PriceBooksOf } from '../pricing/account-price.ts';
import { formatSecond } from '../values/instant.ts';
import type { DuePeriod } from './due-period.ts';
import { correctedFrom } from './find-adjustments.ts';

/** Tells of facts that reach further back than corrections do: they are metered, and billed by nobody (R60). */
export async function reportTooLate(
  tx: Db,
  now: Date,
  priceBooks: PriceBooksOf,
  due: readonly DuePeriod[],
): Promise<void> {
  const signals = due.flatMap(({ account: { id, lateSince }, full }) => {
    if (lateSince === undefined) return [];
    const from = correctedFrom(priceBooks(id), full);
    if (lateSince >= from) return [];
    const details = {
      late_since: formatSecond(lateSince),
      corrected_from: formatSecond(from),
    };
    return [{ accountId: id, kind: 'account.facts_too_late', details }];
  });
  await addSignals(tx, now, signals);
}
