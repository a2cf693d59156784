import { sql } from 'kysely';
import type { Db } from '../database/pool.ts';
import { FREE_DATABASE_ROWS } from '../limits/rules.ts';
import { partitionOf } from '../metering/months.ts';
import type { Month } from '../values/month.ts';

/**
 * Makes a temporary table `carried_key` of this connection: the events of a month that something still asks for.
 * Those that leave are
 * - levels before the base of their series, each but the last one of its source that is on, and that is off:
 *   they say who runs a resource, and of which size it was;
 * - events of archived jobs;
 * - observed rows before a later observation within the limit, or any later one once the account is charged.
 *
 * All else stays: what has no meter, when apps were deleted, and which app a database belongs to. What leaves
 * cannot change any more, since nothing that is settled can be superseded.
 */
export async function findCarried(connection: Db, month: Month): Promise<void> {
  const partition = sql.table(partitionOf(month));
  await sql`drop table if exists carried_key`.execute(connection);
  await sql`
    create temp table carried_key as
    with mine as materialized (select distinct account_id from ${partition}),
    base as materialized (
      select account_id, meter, resource, max(until_at) as until_at
      from series_base join mine using (account_id) group by 1, 2, 3
    ),
    level as materialized (
      select distinct on (account_id, meter, resource, source, level > 0)
        account_id, meter, resource, source, level > 0 as is_on, at, tie, event_id
      from standing_event join base using (account_id, meter, resource)
      where meter in ('app', 'database') and at < until_at
      order by account_id, meter, resource, source, level > 0, at desc, tie desc, event_id desc
    ),
    observed as materialized (
      select distinct on (account_id, details ->> 'database')
        account_id, details ->> 'database' as database, at, tie, event_id, source
      from standing_event join mine using (account_id) join account using (account_id)
      where type = 'database.rows_observed' and at < settled_at
        and (upgraded_at < settled_at or (details ->> 'rows')::bigint <= ${FREE_DATABASE_ROWS})
      order by account_id, details ->> 'database', at desc, tie desc, event_id desc, source desc
    )
    select e.account_id, e.recording, e.source, e.event_id
    from ${partition} e
    left join level on level.account_id = e.account_id and level.meter = e.meter
      and level.resource = e.resource and level.source = e.source and level.is_on = (e.level > 0)
    left join job on e.meter = 'job' and job.account_id = e.account_id and job.app = e.app
      and job.job = e.resource
    left join observed on e.type = 'database.rows_observed' and observed.account_id = e.account_id
      and observed.database = e.details ->> 'database'
    where not coalesce(case
      when e.type in ('app.deleted', 'database.available') then false
      when e.type = 'database.rows_observed' then (e.at, e.tie, e.event_id, e.source)
        < (observed.at, observed.tie, observed.event_id, observed.source)
      when e.meter = 'job' then job.is_archived
      when e.meter is not null then (e.at, e.tie, e.event_id) < (level.at, level.tie, level.event_id)
      else false end, false)`.execute(connection);
  await sql`analyze carried_key`.execute(connection);
}
