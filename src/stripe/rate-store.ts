import { sql } from 'kysely';
import type { Db } from '../database/pool.ts';

/** Calls that share a rate. */
export type Bucket = { readonly name: string; readonly perSecond: number };

export type Turn = {
  readonly isGranted: boolean;
  /** Until it may leave, or until it is worth asking again. */
  readonly waitMs: number;
  readonly isShut: boolean;
  /** The first calls after everything was shut. */
  readonly wasShut: boolean;
};

/** The rate doubles again, up to the full one, every so many seconds without a 429. */
const RECOVERY_SECONDS = 30;
const MAX_HALVINGS = 6;

/** How many of the halvings still hold. */
const halvingsAt = (now: Date) =>
  sql`greatest(0, halvings - floor(extract(epoch from (${now}::timestamptz - halved_at)) / ${RECOVERY_SECONDS}))`;

/**
 * Takes a turn in all buckets at once, or in none when the wait would be longer than `maxWaitMs`. Turns
 * of one bucket are evenly spaced, so any second holds at most its rate.
 */
export async function reserve(
  db: Db,
  now: Date,
  buckets: readonly Bucket[],
  maxWaitMs: number,
): Promise<Turn> {
  const names = buckets.map(({ name }) => name);
  const seconds = buckets.map(({ perSecond }) => 1 / perSecond);
  for (;;) {
    const { rows } = await sql<{ found: bigint; wait_ms: string; shut_until: Date | null }>`
      with locked as (
        select r.bucket, greatest(r.free_at, ${now}::timestamptz) as leave_at, r.shut_until,
          make_interval(secs => w.seconds * 2 ^ ${halvingsAt(now)}) as step
        from stripe_rate r
        join unnest(${names}::text[], ${seconds}::float8[]) as w(bucket, seconds) using (bucket)
        order by r.bucket for update of r
      ), verdict as (
        select count(*) as found, max(shut_until) as shut_until,
          extract(epoch from max(leave_at) - ${now}::timestamptz) * 1000 as wait_ms
        from locked
      ), taken as (
        update stripe_rate r set free_at = locked.leave_at + locked.step
        from locked, verdict
        where r.bucket = locked.bucket and verdict.found = ${buckets.length}
          and verdict.wait_ms <= ${maxWaitMs}
          and coalesce(verdict.shut_until, ${now}) <= ${now}
        returning r.bucket
      )
      select found, wait_ms, shut_until from verdict, (select count(*) from taken) as t`.execute(
      db,
    );
    const row = rows[0]!;
    if (row.found < BigInt(buckets.length)) {
      await insertBuckets(db, now, names);
      continue;
    }
    const waitMs = Math.ceil(Number(row.wait_ms));
    const isShut = row.shut_until !== null && row.shut_until > now;
    const wasShut = row.shut_until !== null && !isShut;
    return { isGranted: !isShut && waitMs <= maxWaitMs, waitMs, isShut, wasShut };
  }
}

/** Once per second at most: many calls in flight hear of the same overload. */
export async function halve(db: Db, now: Date, names: readonly string[]): Promise<void> {
  await sql`
    update stripe_rate
    set halvings = least(${halvingsAt(now)} + 1, ${MAX_HALVINGS})::integer, halved_at = ${now}
    where bucket = any(${names}::text[]) and halved_at <= ${now}::timestamptz - interval '1 second'`.execute(
    db,
  );
}

export async function shut(db: Db, name: string, until: Date): Promise<void> {
  await db
    .updateTable('stripe_rate')
    .set({ shut_until: until })
    .where('bucket', '=', name)
    .execute();
}

export async function reopen(db: Db, name: string): Promise<void> {
  await db
    .updateTable('stripe_rate')
    .set({ shut_until: null })
    .where('bucket', '=', name)
    .execute();
}

async function insertBuckets(db: Db, now: Date, names: readonly string[]): Promise<void> {
  await db
    .insertInto('stripe_rate')
    .values(names.map((bucket) => ({ bucket, free_at: now, halved_at: new Date(0) })))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
