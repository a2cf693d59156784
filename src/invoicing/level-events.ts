import { sql } from 'kysely';
import type { Db } from '../database/pool.ts';
import { MAX_JOB_SECONDS } from '../metering/segments.ts';
import type { Window } from '../metering/usage.ts';
import type { Second } from '../values/instant.ts';
import type { LevelEvent } from './line-segments.ts';

/** When, in the order in which facts became known, an event was recorded and superseded. */
export type Known = { readonly recording: bigint; readonly supersededIn: bigint | null };

export type KnownEvent = LevelEvent & Known;

/** What a line of usage is about. */
export type Subject =
  | { readonly kind: 'app'; readonly app: string }
  | { readonly kind: 'database'; readonly database: string };

/** Those that counted when everything up to `knownBy` was known. */
export function countedAt<Event extends Known>(
  events: readonly Event[],
  knownBy: bigint,
): readonly Event[] {
  return events.filter(
    ({ recording, supersededIn }) =>
      recording <= knownBy && (supersededIn === null || supersededIn > knownBy),
  );
}

/**
 * The events that say what an app with its jobs, or a database, ran within a window: from the last one not
 * after its start that counted at `knownBy` and still does, in the order of events. The cost grows with the
 * window, not with the history.
 */
export async function levelEventsOf(
  db: Db,
  accountId: string,
  subject: Subject,
  window: Window,
  knownBy: bigint,
): Promise<KnownEvent[]> {
  const name = subject.kind === 'app' ? subject.app : subject.database;
  const levels = await levelEvents(db, accountId, subject.kind, name, window, knownBy);
  if (subject.kind === 'database') return levels;
  return [...levels, ...(await jobEvents(db, accountId, name, window))];
}

async function levelEvents(
  db: Db,
  accountId: string,
  meter: Subject['kind'],
  resource: string,
  window: Window,
  knownBy: bigint,
): Promise<KnownEvent[]> {
  // Each half has an index of its own.
  const half = (isSuperseded: boolean) => sql`
    select * from event
    where account_id = ${accountId} and meter = ${meter} and resource = ${resource}
      and is_superseded = ${sql.lit(isSuperseded)} and at < ${window.to}
      and at >= coalesce((select at from first), 0)`;
  const { rows } = await sql<KnownEvent>`
    /* prepare level_events */
    with first as (
      select at from event
      where account_id = ${accountId} and meter = ${meter} and resource = ${resource}
        and not is_superseded and at <= ${window.from} and recording <= ${knownBy}
      order by at desc limit 1
    )
    select source, event_id as id, meter, resource, at, level, size_tenths as "sizeTenths",
      recording, superseded_in as "supersededIn"
    from (${half(false)} union all ${half(true)}) e
    order by at, tie, event_id, source`.execute(db);
  return rows;
}

/** Of all jobs that any report says began so that they may have run in the window. */
async function jobEvents(
  db: Db,
  accountId: string,
  app: string,
  window: Window,
): Promise<KnownEvent[]> {
  const half = (isSuperseded: boolean) => sql`
    select e.* from started join event e on e.account_id = ${accountId} and e.meter = 'job'
      and e.resource = started.resource and e.is_superseded = ${sql.lit(isSuperseded)}
      and e.app = ${app}`;
  const { rows } = await sql<KnownEvent>`
    /* prepare job_events */
    with started as (
      select distinct resource from event
      where account_id = ${accountId} and app = ${app} and meter = 'job' and level = 1
        and at > ${window.from - MAX_JOB_SECONDS} and at < ${window.to}
    )
    select source, event_id as id, meter, resource, at, level, size_tenths as "sizeTenths",
      recording, superseded_in as "supersededIn"
    from (${half(false)} union all ${half(true)}) e
    order by at, tie, event_id, source`.execute(db);
  return rows;
}

/** When the account was upgraded, by what counted at `knownBy`: the earliest report holds. */
export async function upgradedAtBy(
  db: Db,
  accountId: string,
  knownBy: bigint,
): Promise<Second | undefined> {
  const { rows } = await sql<Known & { readonly at: Second }>`
    select at, recording, superseded_in as "supersededIn" from event
    where account_id = ${accountId} and type = 'account.upgraded' order by at`.execute(db);
  return countedAt(rows, knownBy)[0]?.at;
}
