import type { Account } from '../accounts/account.ts';
import { earlier, type Second } from '../values/instant.ts';
import { periodAt, type Period } from '../values/period.ts';

/**
 * An account whose oldest open period ends at `closeAt`: a boundary, or its deletion (R56). A boundary after
 * its deletion ends a period in which nothing is used any more: its invoice carries corrections only.
 */
export type DueAccount = Account & {
  readonly closeAt: Second;
  /** Where its closed periods end; asked for only of an account that ended before `closeAt`. */
  readonly closedTo: Second | undefined;
  /** Facts recorded since the last close have changed closed periods from here on (R60). */
  readonly lateSince: Second | undefined;
};

export type DuePeriod = {
  readonly account: DueAccount;
  readonly start: Second;
  readonly end: Second;
  /** The billing period it is or, cut short by a deletion, would have been: the month databases are priced by. */
  readonly full: Period;
  /** When the next period is to be closed; undefined when the account has none any more. */
  readonly nextCloseAt: Second | undefined;
};

export function duePeriod(account: DueAccount): DuePeriod {
  const { signedUpAt, deletedAt, closeAt, closedTo } = account;
  const full = periodAt(signedUpAt, closeAt - 1n);
  const following = periodAt(signedUpAt, full.end).end;
  const isLast = deletedAt !== undefined && deletedAt <= closeAt;
  const next = deletedAt === undefined ? following : earlier(following, deletedAt);
  return {
    account,
    start: closedTo ?? full.start,
    end: closeAt,
    full,
    nextCloseAt: isLast ? undefined : next,
  };
}
