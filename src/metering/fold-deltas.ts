import { sql } from 'kysely';

/**
 * Common table expressions that fold level changes into the series, to be used after one named `delta`
 * (account_id, meter, resource, size_tenths, change, at, until, last_cut_at): the level of a series changes
 * by `change` from `at` to `until`, or for good when that is null. A series is a line, so its level and
 * offset change; checkpoints after `at` get their share; the account remembers since when closed periods
 * may have changed (D3, R60). Ends with `created`, the series that are new; NOT IN, because PostgreSQL hashes
 * it, where it would compare each share with each update for an anti-join (it expects one row of each).
 */
export const foldDeltas = sql`
    share as (
      select account_id, meter, resource, size_tenths,
        coalesce(sum(change) filter (where until is null), 0)::bigint as level,
        sum(case when until is null then -change * at else change * (until - at) end)::bigint
          as offset_units,
        min(at) as first_at, max(coalesce(until, at)) as last_at
      from delta group by account_id, meter, resource, size_tenths
    ),
    updated as (
      update series set
        level = series.level + share.level,
        offset_units = series.offset_units + share.offset_units,
        first_at = least(series.first_at, share.first_at),
        last_at = greatest(series.last_at, share.last_at)
      from share
      where series.account_id = share.account_id and series.meter = share.meter
        and series.resource = share.resource and series.size_tenths = share.size_tenths
      returning series.account_id, series.meter, series.resource, series.size_tenths
    ),
    checkpoint_share as (
      select delta.account_id, delta.meter, delta.resource, delta.size_tenths, checkpoint.at,
        sum(change * (least(until, checkpoint.at) - delta.at))::bigint as units
      from delta
      join checkpoint on delta.at < checkpoint.at
        and checkpoint.account_id = delta.account_id and checkpoint.meter = delta.meter
        and checkpoint.resource = delta.resource and checkpoint.size_tenths = delta.size_tenths
      where delta.at < last_cut_at
      group by 1, 2, 3, 4, 5
    ),
    corrected as (
      update checkpoint set integral_units = checkpoint.integral_units + share.units
      from checkpoint_share share
      where checkpoint.account_id = share.account_id and checkpoint.meter = share.meter
        and checkpoint.resource = share.resource and checkpoint.size_tenths = share.size_tenths
        and checkpoint.at = share.at
    ),
    noted_late as (
      update account set late_since = least(account.late_since, late.at)
      from (select account_id, min(at) as at from delta where at < last_cut_at group by account_id) late
      where account.account_id = late.account_id
    ),
    created as (
      insert into series (account_id, meter, resource, size_tenths, level, offset_units, first_at,
        last_at)
      select share.account_id, share.meter, share.resource, share.size_tenths, share.level,
        share.offset_units, share.first_at, share.last_at
      from share where (account_id, meter, resource, size_tenths) not in (
        select account_id, meter, resource, size_tenths from updated)
      order by account_id, meter, resource
      on conflict do nothing
      returning account_id, meter, resource
    )`;
