import type { AccountHistory } from '../../events/admit-events.ts';
import type { Event } from '../../events/event.ts';
import { segmentsOf } from '../../metering/usage/segments.ts';
import type { PriceBook } from '../../pricing/price-book.ts';
import { earlier, type Second } from '../../values/instant.ts';
import { periodsUntil, type Period } from '../../values/period.ts';
import { billPeriod, type PeriodBill } from '../bill-period.ts';

export type EstimatedPeriod = Period & PeriodBill & { readonly isOpen: boolean };

export type EstimatedAccount = {
  readonly account: string;
  readonly signedUpAt: Second;
  /** All periods from the sign-up to `until`, also empty ones, oldest first. */
  readonly periods: readonly EstimatedPeriod[];
};

/**
 * Prices the recorded events of one account by pure computation, up to `until`. What happened at `until` or
 * later is left out: the last period is open and counts up to it, unless the account was deleted before.
 */
export function estimateAccount(
  history: AccountHistory,
  priceBooks: readonly PriceBook[],
  until: Second,
): EstimatedAccount {
  const { events } = history;
  const created = events.find((event) => event.fact.type === 'account.created')!;
  const signedUpAt = created.occurredAt.second;
  const upgradedAt = firstInstant(events, 'account.upgraded', until);
  const deletedAt = firstInstant(events, 'account.deleted', until);
  const segments = segmentsOf(history);
  const end = deletedAt ?? until;
  const periods = periodsUntil(signedUpAt, end)
    .filter((period) => deletedAt === undefined || period.start < deletedAt)
    .map((period): EstimatedPeriod => {
      const countedTo = earlier(period.end, end);
      const bill = billPeriod({ upgradedAt }, segments, priceBooks, period, countedTo);
      const isOpen = deletedAt === undefined && period.end > until;
      return { start: period.start, end: isOpen ? period.end : countedTo, ...bill, isOpen };
    });
  return { account: created.account, signedUpAt, periods };
}

function firstInstant(
  events: readonly Event[],
  type: 'account.upgraded' | 'account.deleted',
  until: Second,
): Second | undefined {
  return events
    .filter((event) => event.fact.type === type && event.occurredAt.second < until)
    .map((event) => event.occurredAt.second)
    .reduce<Second | undefined>(
      (first, at) => (first === undefined ? at : earlier(first, at)),
      undefined,
    );
}
