import { sql } from 'kysely';
import { numberArray, textArray } from '../../database/arrays.ts';
import type { Db } from '../../database/pool.ts';
import { HAS_COUNTED } from '../../metering/series/bounds.ts';
import { MAX_JOB_SECONDS } from '../../metering/series/level.ts';
import type { Second } from '../../values/instant.ts';

export type Horizon = { readonly accountId: string; readonly at: Second };

/**
 * Moves the base of each series of the accounts up to its last event before the horizon. That event must have
 * been known to the first invoice from the horizon on: so each of those can be recomputed, as it was known then,
 * from what is not before the base. Needs the accounts' lock; safe to repeat.
 */
export async function moveBases(tx: Db, horizons: readonly Horizon[]): Promise<void> {
  const accounts = textArray(horizons.map(({ accountId }) => accountId));
  const ats = numberArray(horizons.map(({ at }) => at));
  await sql`
    with known as (
      select account.account_id, horizon.at, coalesce((
          select min(recording) from invoice
          where invoice.account_id = account.account_id and period_start >= horizon.at),
        9223372036854775807) as recording
      from unnest(${accounts}::text[], ${ats}::bigint[]) as horizon (account_id, at)
      join account on account.account_id = horizon.account_id
    ),
    target as materialized (
      select known.account_id, meter, resource, base.until_at as from_at, latest.at as until_at
      from known
      join (
        select distinct account_id, meter, resource from series
        where account_id = any(${accounts}::text[]) and meter in ('app', 'database')
      ) series using (account_id)
      left join lateral (
        select max(until_at) as until_at from series_base b where b.account_id = known.account_id
          and b.meter = series.meter and b.resource = series.resource
      ) base on true
      join lateral (
        select e.at from standing_event e
        where e.account_id = known.account_id and e.meter = series.meter
          and e.resource = series.resource and e.at < known.at and e.recording <= known.recording
        order by e.at desc limit 1
      ) latest on latest.at > coalesce(base.until_at, 0)
    ),
    counted as (
      select e.account_id, e.meter, e.resource, e.size_tenths, e.level, e.at, e.tie, e.event_id,
        e.source, target.until_at
      from target join standing_event e using (account_id, meter, resource)
      where e.at >= coalesce(from_at, 0) and e.at < target.until_at
      union all
      select account_id, meter, resource, size_tenths, level, from_at, '', '', '', target.until_at
      from target join series_base using (account_id, meter, resource) where level > 0
    ),
    stretch as (
      select account_id, meter, resource, case when meter = 'app' then 0 else size_tenths end
          as size_tenths, level, at, until_at, lead(at) over (
            partition by account_id, meter, resource order by at, tie, event_id, source) as next_at
      from counted
    ),
    part as (
      select account_id, meter, resource, size_tenths,
        case when next_at is null then level else 0 end as level,
        level * (coalesce(next_at, until_at) - at) as offset_units, at as first_at,
        case when meter = 'app' then at else coalesce(next_at, until_at) end as last_at
      from stretch where meter = 'app' or level = 1
      union all
      select account_id, meter, resource, size_tenths, 0, offset_units, first_at, last_at
      from target join series_base using (account_id, meter, resource)
      union all
      -- Superseded ones have no part in what it comes to, but in when it began.
      select event.account_id, event.meter, event.resource,
        case when event.meter = 'app' then 0 else event.size_tenths end, 0, 0, event.at, event.at
      from target join event using (account_id, meter, resource)
      where event.at >= coalesce(from_at, 0) and event.at < target.until_at and ${HAS_COUNTED}
        and (event.meter = 'app' or event.level = 1)
    )
    insert into series_base (account_id, meter, resource, size_tenths, until_at, level, offset_units,
      first_at, last_at)
    select account_id, meter, resource, size_tenths, max(until_at), sum(level)::bigint,
      sum(offset_units)::bigint, min(first_at), max(last_at)
    from part join target using (account_id, meter, resource)
    group by account_id, meter, resource, size_tenths
    on conflict (account_id, meter, resource, size_tenths) do update set
      until_at = excluded.until_at, level = excluded.level, offset_units = excluded.offset_units,
      first_at = excluded.first_at, last_at = excluded.last_at`.execute(tx);
}

/** Keeps jobs that were over before the horizon, whatever is reported of them, as they are. */
export async function settleJobs(tx: Db, horizons: readonly Horizon[]): Promise<void> {
  await sql`
    with horizon as (
      select account_id, at - ${MAX_JOB_SECONDS} as at
      from unnest(
        ${textArray(horizons.map(({ accountId }) => accountId))}::text[],
        ${numberArray(horizons.map(({ at }) => at))}::bigint[]) as horizon (account_id, at)
    )
    update job set is_archived = true from horizon
    where job.account_id = horizon.account_id and not is_archived and started_at < horizon.at
      and not exists (
        select from event e where e.account_id = job.account_id and e.meter = 'job'
          and e.resource = job.job and e.app = job.app and e.at >= horizon.at)`.execute(tx);
}

/** From then on facts about the time before are looked at: they may be about what is settled. */
export async function noteSettled(tx: Db, horizons: readonly Horizon[]): Promise<void> {
  await sql`
    update account set settled_at = greatest(settled_at, horizon.at)
    from unnest(
      ${textArray(horizons.map(({ accountId }) => accountId))}::text[],
      ${numberArray(horizons.map(({ at }) => at))}::bigint[]) as horizon (account_id, at)
    where account.account_id = horizon.account_id`.execute(tx);
}
