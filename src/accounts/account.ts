import { earlier, type Second } from '../values/instant.ts';

/** FREE: all is free, within limits. STANDARD: charged from the upgrade on (R17). There is no way back. */
export type Tier = 'FREE' | 'STANDARD';

export type Account = {
  readonly id: string;
  readonly email: string;
  /** The anchor of its billing periods. */
  readonly signedUpAt: Second;
  readonly confirmedAt: Second | undefined;
  readonly upgradedAt: Second | undefined;
  readonly deletedAt: Second | undefined;
};

/** The tier at an instant; the second of the upgrade is STANDARD already (R26). */
export function tierAt(account: Pick<Account, 'upgradedAt'>, at: Second): Tier {
  return account.upgradedAt !== undefined && account.upgradedAt <= at ? 'STANDARD' : 'FREE';
}

/** The tier a period is closed in: STANDARD when any second of it is charged. */
export function tierOfPeriodEnding(account: Pick<Account, 'upgradedAt'>, end: Second): Tier {
  return tierAt(account, end - 1n);
}

/** Nothing is counted after the account's deletion. */
export function lastCounted(account: Pick<Account, 'deletedAt'>, at: Second): Second {
  return account.deletedAt === undefined ? at : earlier(at, account.deletedAt);
}
