import { sql } from 'kysely';
import type { Db } from '../database/pool.ts';
import type { Clock } from '../values/clock.ts';

/** Who may call Stripe for an account. Each holder has a higher fence than all before it. */
export type Lease = { readonly accountId: string; readonly fence: bigint };

/** Somebody else has the account by now: nothing may be saved on what this holder knows. */
export class LeaseLost extends Error {
  constructor(accountId: string) {
    super(`another process took over the Stripe calls of account ${accountId}`);
    this.name = 'LeaseLost';
  }
}

/** Longer than one call with all its tries (3 × 30 s and pauses) and the wait for its turn. */
const LEASE_SECONDS = 150;

/**
 * Runs `work` as the only caller of Stripe for the account; 'busy' when another one is at it. A holder
 * that died keeps the lease until it runs out.
 */
export async function withLease<T>(
  { db, clock }: { readonly db: Db; readonly clock: Clock },
  accountId: string,
  work: (lease: Lease) => Promise<T>,
): Promise<T | 'busy'> {
  const lease = await take(db, clock(), accountId);
  if (lease === undefined) return 'busy';
  try {
    return await work(lease);
  } finally {
    await db
      .updateTable('stripe_lease')
      .set({ until: clock() })
      .where('account_id', '=', accountId)
      .where('fence', '=', lease.fence)
      .execute();
  }
}

/**
 * Prolongs the lease and holds its row until the transaction ends, so that no other holder saves at the
 * same time. The first statement of every transaction that saves what Stripe said.
 *
 * @throws LeaseLost when somebody else took over.
 */
export async function holdLease(tx: Db, now: Date, lease: Lease): Promise<void> {
  const held = await tx
    .updateTable('stripe_lease')
    .set({ until: end(now) })
    .where('account_id', '=', lease.accountId)
    .where('fence', '=', lease.fence)
    .returning('fence')
    .executeTakeFirst();
  if (held === undefined) throw new LeaseLost(lease.accountId);
}

async function take(db: Db, now: Date, accountId: string): Promise<Lease | undefined> {
  const taken = await db
    .insertInto('stripe_lease')
    .values({ account_id: accountId, fence: 1n, until: end(now) })
    .onConflict((conflict) =>
      conflict
        .column('account_id')
        .doUpdateSet({ fence: sql`stripe_lease.fence + 1`, until: end(now) })
        .where('stripe_lease.until', '<=', now),
    )
    .returning('fence')
    .executeTakeFirst();
  return taken && { accountId, fence: taken.fence };
}

function end(now: Date): Date {
  return new Date(now.getTime() + LEASE_SECONDS * 1000);
}
