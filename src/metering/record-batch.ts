import { sql } from 'kysely';
import { numberArray, textArray } from '../database/arrays.ts';
import type { Db } from '../database/pool.ts';
import type { Event } from '../events/event.ts';
import { toEventRow } from './event-row.ts';
import { foldDeltas } from './fold-deltas.ts';

export type RecordedBatch = {
  /** Positions in the batch that were not recorded: an equal identity, recorded or waiting, or a missing account stood against it. */
  readonly notRecorded: ReadonlySet<number>;
  /** Those of them that say exactly what is recorded under their identity. */
  readonly repeated: ReadonlySet<number>;
  /** Apps this batch made known for which parked events wait. */
  readonly awaitedApps: readonly AppKey[];
};

export type AppKey = { readonly account: string; readonly app: string };

/**
 * Records events and folds them into their series, in one statement. Safe to repeat: a recorded identity is
 * left out. Needs the accounts' lock, taken by an earlier statement of the same transaction; identities
 * must differ within the batch.
 *
 * A series is a line: its integral up to t is level × t + offset. An event of level e between its stored
 * neighbours x (before) and y (after) changes the level by e − x from its instant to y's, or for good when
 * there is no y. What a batch adds up to does not depend on its order, so a late event costs two look-ups
 * and nothing else; one that is later than its line's last event needs none. A repeat is never later, so it
 * costs one look-up. Look-ups come before the insert, so that the statement means the same on Citus.
 */
export async function recordBatch(
  tx: Db,
  now: Date,
  events: readonly Event[],
): Promise<RecordedBatch> {
  if (events.length === 0) return { notRecorded: new Set(), repeated: new Set(), awaitedApps: [] };
  const content = events.map(toEventRow);
  const { rows } = await sql<UnrecordedRow | AwaitedRow>`
    /* prepare record_batch */
    with given as (
      select * from unnest(
        ${textArray(events.map((event) => event.account))}::text[],
        ${textArray(events.map((event) => event.source))}::text[],
        ${textArray(events.map((event) => event.id))}::text[],
        ${textArray(content.map((row) => row.type))}::text[],
        ${numberArray(content.map((row) => row.at))}::bigint[],
        ${textArray(content.map((row) => row.tie))}::text[],
        ${textArray(content.map((row) => row.meter))}::text[],
        ${textArray(content.map((row) => row.resource))}::text[],
        ${textArray(content.map((row) => row.app))}::text[],
        ${numberArray(content.map((row) => row.level))}::bigint[],
        ${numberArray(content.map((row) => row.sizeTenths))}::int[],
        ${textArray(content.map((row) => row.details && JSON.stringify(row.details)))}::text[]
      ) with ordinality as given (account_id, source, event_id, type, at, tie, meter, resource, app,
        level, size_tenths, details, position)
    ),
    placed as (
      select given.*, account.last_cut_at, series.level as line_level,
        given.meter = 'app' and given.at > coalesce(series.last_at, 0) as is_in_order
      from given
      join account on account.account_id = given.account_id and account.signed_up_at <= given.at
      left join series on given.meter = 'app' and series.account_id = given.account_id
        and series.meter = 'app' and series.resource = given.resource and series.size_tenths = 0
      -- A report that waits keeps its identity (R57).
      where not exists (
        select from parked_event parked where parked.account_id = given.account_id
          and parked.source = given.source and parked.event_id = given.event_id)
    ),
    looked as materialized (
      select placed.*, next.at as next_at,
        known.is_same is not null as is_recorded, coalesce(known.is_same, false) as is_same,
        coalesce(case when is_in_order then line_level else previous.level end, 0) as previous_level,
        previous.size_tenths as previous_size_tenths
      from placed
      left join lateral (
        select (e.type, e.at, e.tie, e.meter, e.resource, e.app, e.level, e.size_tenths, e.details)
          is not distinct from (placed.type, placed.at, placed.tie, placed.meter, placed.resource,
            placed.app, placed.level, placed.size_tenths, placed.details::jsonb) as is_same
        from event e
        where not coalesce(is_in_order, false) and e.account_id = placed.account_id
          and e.source = placed.source and e.event_id = placed.event_id
      ) known on true
      left join lateral (
        select e.level, e.size_tenths from standing_event e
        where not is_in_order and known.is_same is null and placed.meter <> 'job'
          and e.account_id = placed.account_id and e.meter = placed.meter
          and e.resource = placed.resource
          and (e.at, e.tie, e.event_id, e.source)
            < (placed.at, placed.tie, placed.event_id, placed.source)
        order by e.at desc, e.tie desc, e.event_id desc, e.source desc limit 1
      ) previous on true
      left join lateral (
        select e.at from standing_event e
        where not is_in_order and known.is_same is null and placed.meter <> 'job'
          and e.account_id = placed.account_id and e.meter = placed.meter
          and e.resource = placed.resource
          and (e.at, e.tie, e.event_id, e.source)
            > (placed.at, placed.tie, placed.event_id, placed.source)
        order by e.at, e.tie, e.event_id, e.source limit 1
      ) next on true
    ),
    inserted as (
      insert into event (account_id, source, event_id, type, at, tie, meter, resource, app, level,
        size_tenths, details, recording, recorded_at)
      select account_id, source, event_id, type, at, tie, meter, resource, app, level, size_tenths,
        details::jsonb, (select nextval('event_recording')), ${now}::timestamptz
      from looked where not is_recorded order by account_id, meter, resource, at
      on conflict do nothing
      returning account_id, source, event_id
    ),
    fresh as (
      select looked.*, least(next_at, lead(at) over (
          partition by account_id, meter, resource order by at, tie, event_id, source)) as until
      from looked join inserted using (account_id, source, event_id)
      where meter in ('app', 'database')
    ),
    delta as (
      select account_id, meter, resource, 0 as size_tenths, level - previous_level as change, at,
        until, last_cut_at
      from fresh where meter = 'app'
      union all
      select account_id, meter, resource, size_tenths, 1, at, until, last_cut_at
      from fresh where meter = 'database' and level = 1
      union all
      select account_id, meter, resource, previous_size_tenths, -1, at, until, last_cut_at
      from fresh where meter = 'database' and previous_level = 1
    ),
    ${foldDeltas}
    select given.position, coalesce(looked.is_same, false) as "isSame", null as account_id, null as app
    from given left join inserted using (account_id, source, event_id)
      left join looked on looked.position = given.position and looked.is_same
    where inserted.account_id is null
    union all
    select distinct null::bigint, null::boolean, parked.account_id, parked.name
    from created join parked_event parked on parked.account_id = created.account_id
      and parked.waits_for = 'app' and parked.name = created.resource
    where created.meter = 'app'`.execute(tx);
  const unrecorded = rows.filter((row) => row.position !== null);
  return {
    notRecorded: new Set(unrecorded.map(indexOf)),
    repeated: new Set(unrecorded.filter(({ isSame }) => isSame).map(indexOf)),
    awaitedApps: rows.flatMap((row) =>
      row.position === null ? { account: row.account_id, app: row.app } : [],
    ),
  };
}

type UnrecordedRow = { readonly position: bigint; readonly isSame: boolean };
type AwaitedRow = { readonly position: null; readonly account_id: string; readonly app: string };

function indexOf({ position }: UnrecordedRow): number {
  return Number(position) - 1;
}
