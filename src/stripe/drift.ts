import { sql } from 'kysely';
import { z } from 'zod';
import type { Db } from '../database/pool.ts';

/** A difference between us and Stripe that only a person can judge; found once, reported until resolved. */
export type Drift = {
  /** Empty when no account of ours is known. */
  readonly accountId: string;
  /** Says what it is about, so that finding it again changes only when it was last seen. */
  readonly driftId: string;
  readonly kind: string;
  /** Theirs less ours; 0 when no money differs (yet). */
  readonly cents: bigint;
  readonly details: Readonly<Record<string, string | number | null>>;
};

const IS_SETTLED = sql`drift.resolution is not null and drift.cents = excluded.cents`;

const details = z.record(z.string(), z.union([z.string(), z.number(), z.null()]));

/**
 * Safe to repeat. Finding again what had gone by itself opens it again; what a person resolved stays resolved
 * until the amount is another.
 */
export async function recordDrift(db: Db, now: Date, found: readonly Drift[]): Promise<void> {
  if (found.length === 0) return;
  await db
    .insertInto('drift')
    .values(
      found.map((drift) => ({
        account_id: drift.accountId,
        drift_id: drift.driftId,
        kind: drift.kind,
        cents: drift.cents,
        details: JSON.stringify(drift.details),
        first_seen_at: now,
        last_seen_at: now,
      })),
    )
    .onConflict((conflict) =>
      conflict.columns(['account_id', 'drift_id']).doUpdateSet({
        cents: sql`excluded.cents`,
        details: sql`excluded.details`,
        last_seen_at: now,
        resolved_at: sql`case when ${IS_SETTLED} then drift.resolved_at end`,
        resolution: sql`case when ${IS_SETTLED} then drift.resolution end`,
      }),
    )
    .execute();
}

export async function findUnresolvedDrift(
  db: Db,
  {
    accountId,
    lastSeenBefore,
  }: { readonly accountId?: string; readonly lastSeenBefore?: Date } = {},
): Promise<Drift[]> {
  const rows = await db
    .selectFrom('drift')
    .select(['account_id', 'drift_id', 'kind', 'cents', 'details'])
    .where('resolved_at', 'is', null)
    .$if(accountId !== undefined, (query) => query.where('account_id', '=', accountId!))
    .$if(lastSeenBefore !== undefined, (query) => query.where('last_seen_at', '<', lastSeenBefore!))
    .orderBy('account_id')
    .orderBy('drift_id')
    .execute();
  return rows.map((row) => ({
    accountId: row.account_id,
    driftId: row.drift_id,
    kind: row.kind,
    cents: row.cents,
    details: details.parse(row.details),
  }));
}

/**
 * Notes that a difference is gone or, with a `resolution`, that a person has dealt with it. Answers whether
 * it was open.
 */
export async function resolveDrift(
  db: Db,
  now: Date,
  { accountId, driftId }: Pick<Drift, 'accountId' | 'driftId'>,
  resolution?: string,
): Promise<boolean> {
  const resolved = await db
    .updateTable('drift')
    .set({ resolved_at: now, resolution: resolution ?? null })
    .where('account_id', '=', accountId)
    .where('drift_id', '=', driftId)
    .where('resolved_at', 'is', null)
    .returning('drift_id')
    .executeTakeFirst();
  return resolved !== undefined;
}
