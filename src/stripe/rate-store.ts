import { sql, type RawBuilder } from 'kysely';
import type { Db } from '../database/pool.ts';

/** Calls that share a rate. */
export type Bucket = {
  readonly name: string;
  readonly perSecond: number;
  /** Calls that wait for another bucket's turn do not hold up the others of this one. */
  readonly isShared?: boolean;
};

export type Turn = {
  readonly isGranted: boolean;
  /** When the rate of its buckets was last halved: a later halving makes the turn void. */
  readonly halvedAt: Date;
  /** Until it may leave, or until it is worth asking again. */
  readonly waitMs: number;
  readonly isShut: boolean;
  /** The first calls after everything was shut. */
  readonly wasShut: boolean;
};

/** The rate doubles again, up to the full one, every so many seconds without a 429. */
const RECOVERY_SECONDS = 30;
const MAX_HALVINGS = 6;
/** Stripe counts in seconds: after a 429 nobody calls before the next one. */
const PAUSE_MS = 1_000;

/** How many of the halvings still hold. */
const halvingsAt = (now: Date) =>
  sql`greatest(0, halvings - floor(extract(epoch from (${now}::timestamptz - halved_at)) / ${RECOVERY_SECONDS}))`;

/**
 * Takes a turn in all buckets at once, or in none when the wait would be longer than `maxWaitMs`. Turns
 * of one bucket are evenly spaced, so any second holds at most its rate; of a shared one besides those that
 * waited longer for their other bucket.
 */
export async function reserve(
  db: Db,
  now: Date,
  buckets: readonly Bucket[],
  maxWaitMs: number,
): Promise<Turn> {
  const names = buckets.map(({ name }) => name);
  const seconds = buckets.map(({ perSecond }) => 1 / perSecond);
  const shared = buckets.map(({ isShared }) => isShared === true);
  for (;;) {
    const { rows } = await sql<{
      found: bigint;
      wait_ms: string;
      shut_until: Date | null;
      halved_at: Date;
    }>`
      with locked as (
        select r.bucket, greatest(r.free_at, ${now}::timestamptz) as leave_at, r.shut_until, r.halved_at,
          w.is_shared, make_interval(secs => w.seconds * 2 ^ ${halvingsAt(now)}) as step
        from stripe_rate r
        join unnest(${names}::text[], ${seconds}::float8[], ${shared}::boolean[])
          as w(bucket, seconds, is_shared) using (bucket)
        order by r.bucket for update of r
      ), verdict as (
        select count(*) as found, max(shut_until) as shut_until, max(halved_at) as halved_at,
          max(leave_at) as leave_at,
          extract(epoch from max(leave_at) - ${now}::timestamptz) * 1000 as wait_ms
        from locked
      ), taken as (
        update stripe_rate r set free_at = locked.step +
          case when locked.is_shared then locked.leave_at else verdict.leave_at end
        from locked, verdict
        where r.bucket = locked.bucket and verdict.found = ${buckets.length}
          and verdict.wait_ms <= ${maxWaitMs}
          and coalesce(verdict.shut_until, ${now}) <= ${now}
        returning r.bucket
      )
      select found, wait_ms, shut_until, halved_at
      from verdict, (select count(*) from taken) as t`.execute(db);
    const row = rows[0]!;
    if (row.found < BigInt(buckets.length)) {
      await insertBuckets(db, now, names);
      continue;
    }
    const waitMs = Math.ceil(Number(row.wait_ms));
    const isShut = row.shut_until !== null && row.shut_until > now;
    const wasShut = row.shut_until !== null && !isShut;
    const isGranted = !isShut && waitMs <= maxWaitMs;
    return { isGranted, halvedAt: row.halved_at, waitMs, isShut, wasShut };
  }
}

/**
 * Halves the rate after a 429, makes the turns void that were given out until then, and lets new ones begin
 * after a pause. Once only for all calls that left before the same halving: they hear of one overload.
 */
export async function halve(
  db: Db,
  now: Date,
  names: readonly string[],
  { halvedAt }: Turn,
): Promise<void> {
  await sql`
    update stripe_rate
    set halvings = least(${halvingsAt(now)} + 1, ${MAX_HALVINGS})::integer,
      halved_at = greatest(${now}::timestamptz, halved_at + interval '1 millisecond'),
      free_at = ${new Date(now.getTime() + PAUSE_MS)}
    where bucket = any(${names}::text[]) and halved_at <= ${halvedAt}`.execute(db);
}

/** Whether the rate was halved while a turn was waited for. */
export async function isVoid(
  db: Db,
  names: readonly string[],
  { halvedAt }: Turn,
): Promise<boolean> {
  const halved = await db
    .selectFrom('stripe_rate')
    .select('bucket')
    .where('bucket', '=', sql<string>`any(${names}::text[])`)
    .where('halved_at', '>', halvedAt)
    .executeTakeFirst();
  return halved !== undefined;
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

/** Calls that are held back: at half their rate for each halving, or not at all for a while. */
export type HeldBack = {
  readonly bucket: string;
  readonly halvings: number;
  readonly shutUntil: Date | undefined;
};

/** What is held back, as a column for a statement that reads more; `toHeldBack` reads it. */
export function heldBackAt(now: Date): RawBuilder<readonly HeldBackJson[]> {
  const isShut = sql`shut_until > ${now}::timestamptz`;
  return sql`array(
    select json_build_object('bucket', bucket, 'halvings', ${halvingsAt(now)},
      'shutUntil', case when ${isShut} then shut_until end)
    from stripe_rate where ${isShut} or ${halvingsAt(now)} > 0 order by bucket)`;
}

export type HeldBackJson = Omit<HeldBack, 'shutUntil'> & { readonly shutUntil: string | null };

export function toHeldBack(rows: readonly HeldBackJson[]): readonly HeldBack[] {
  return rows.map(({ shutUntil, ...rate }) => ({
    ...rate,
    shutUntil: shutUntil === null ? undefined : new Date(shutUntil),
  }));
}

async function insertBuckets(db: Db, now: Date, names: readonly string[]): Promise<void> {
  await db
    .insertInto('stripe_rate')
    .values(names.map((bucket) => ({ bucket, free_at: now, halved_at: new Date(0) })))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
