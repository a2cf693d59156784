import { randomUUID } from 'node:crypto';
import { requireLiveAccount } from '../../accounts/require-account.ts';
import type { Db } from '../../database/pool.ts';
import type { Clock } from '../../values/clock.ts';
import { Fault } from '../../values/fault.ts';
import { findCard } from './card-setup-store.ts';

/** Records `account.upgraded` as any other event; answers once it is committed. */
export type RecordUpgrade = (upgrade: {
  readonly eventId: string;
  readonly accountId: string;
  readonly at: Date;
}) => Promise<void>;

export type UpgradeContext = {
  readonly db: Db;
  readonly clock: Clock;
  readonly recordUpgrade: RecordUpgrade;
};

/**
 * The owner's command to go from FREE to STANDARD; charging starts at this second (R26), nothing is
 * charged at once, the billing day stays (R27). There is no way back (R25).
 *
 * @throws Fault `account_unknown`, `already_upgraded`, `no_payment_method`.
 */
export async function upgradeAccount(
  { db, clock, recordUpgrade }: UpgradeContext,
  accountId: string,
): Promise<void> {
  const account = await requireLiveAccount(db, accountId);
  if (account.upgradedAt !== undefined) {
    throw new Fault('conflict', 'already_upgraded', 'the account is on the standard tier already');
  }
  if ((await findCard(db, accountId)) === undefined) {
    throw new Fault(
      'conflict',
      'no_payment_method',
      'the account has no payment method: set one first, then upgrade',
    );
  }
  // Two upgrades at once are two events; the earlier one counts, so the tier changes once.
  await recordUpgrade({ eventId: randomUUID(), accountId, at: clock() });
}
