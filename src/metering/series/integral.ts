import { sql, type RawBuilder } from 'kysely';

/**
 * SQL for the integral of `series` (the table, by that name) up to an instant, in units; `at` is an SQL
 * expression. Exact for every instant: before the first event it is 0, from the last event on it is the
 * line, on a checkpoint it is the checkpoint. Between them the area back from the next checkpoint, or from
 * the line, is subtracted: at most one period of events is read, however long the history. Null at an instant
 * that only archived events could tell of.
 */
export function integralAt(at: RawBuilder<bigint>): RawBuilder<bigint | null> {
  return sql`coalesce(${keptIntegralAt(at)}, ${levelIntegral(at)})`;
}

/**
 * The same as far as no event is needed for it, otherwise null. Even where nothing of it runs, a statement that
 * speaks of events has to open every month of them.
 */
export function keptIntegralAt(at: RawBuilder<bigint>): RawBuilder<bigint | null> {
  return sql`case
    when ${at} <= series.first_at then 0
    when ${at} >= series.last_at then series.level * ${at} + series.offset_units
    else coalesce(
      (select integral_units from checkpoint
        where checkpoint.account_id = series.account_id and checkpoint.meter = series.meter
          and checkpoint.resource = series.resource and checkpoint.size_tenths = series.size_tenths
          and checkpoint.at = ${at}),
      case when series.meter = 'job' then ${jobIntegral(at)} end)
    end`;
}

/** A job counts in full once it is over: what of it lies after the instant is taken off again. */
function jobIntegral(at: RawBuilder<bigint>): RawBuilder<bigint> {
  return sql`series.offset_units - coalesce((
      select sum(job.size_tenths * (job.ended_at - greatest(job.started_at, ${at})))
      from job where job.account_id = series.account_id and job.app = series.resource
        and job.ended_at > ${at}), 0)::bigint`;
}

function levelIntegral(at: RawBuilder<bigint>): RawBuilder<bigint | null> {
  return sql`case when exists (
      select from series_base base join archived_account using (account_id)
      where base.account_id = series.account_id and base.meter = series.meter
        and base.resource = series.resource and base.until_at > ${at})
    then ${baseIntegral(at)} else ${eventsIntegral(at)} end`;
}

/** What a base knows of the time before it: the beginning, the end, and nothing of the events between them. */
function baseIntegral(at: RawBuilder<bigint>): RawBuilder<bigint | null> {
  return sql`(
    select case when count(*) = 0 or ${at} <= min(base.first_at) then 0
      when ${at} >= min(base.last_at) then min(offset_units - base.level * (until_at - ${at})) end
    from series_base base where base.account_id = series.account_id and base.meter = series.meter
      and base.resource = series.resource and base.size_tenths = series.size_tenths)`;
}

function eventsIntegral(at: RawBuilder<bigint>): RawBuilder<bigint> {
  return sql`(
    with reference as (
      (select checkpoint.at, integral_units from checkpoint
        where checkpoint.account_id = series.account_id and checkpoint.meter = series.meter
          and checkpoint.resource = series.resource and checkpoint.size_tenths = series.size_tenths
          and checkpoint.at > ${at} and checkpoint.at < series.last_at
        order by checkpoint.at limit 1)
      union all
      select series.last_at, series.level * series.last_at + series.offset_units
      order by 1 limit 1
    ),
    stretch as (
      select e.at as from_at, lead(e.at) over (order by e.at, e.tie, e.event_id, e.source) as to_at,
        case when series.meter = 'app' or e.size_tenths = series.size_tenths then e.level else 0 end
          as level
      from standing_event e, reference
      where e.account_id = series.account_id and e.meter = series.meter
        and e.resource = series.resource and e.at < reference.at
        and e.at >= coalesce((
          select max(earlier.at) from standing_event earlier
          where earlier.account_id = series.account_id and earlier.meter = series.meter
            and earlier.resource = series.resource and earlier.at <= ${at}), 0)
    )
    select reference.integral_units - coalesce((
        select sum(level * greatest(0, coalesce(to_at, reference.at) - greatest(from_at, ${at})))
        from stretch), 0)::bigint
    from reference)`;
}
