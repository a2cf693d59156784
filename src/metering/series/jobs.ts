import { sql } from 'kysely';
import { textArray } from '../../database/arrays.ts';
import type { Db } from '../../database/pool.ts';
import { MAX_JOB_SECONDS } from './level.ts';
import { HAS_COUNTED } from './bounds.ts';

const LONGEST = sql.lit(Number(MAX_JOB_SECONDS));

export type JobKey = { readonly account: string; readonly app: string; readonly job: string };

/**
 * Brings jobs in line with their recorded events and adds the difference to their app's job series: a job
 * runs from its first start to the first end after that, five minutes at most (R14), at the size of its
 * start. The series counts every job in full, which is right from its last end on. Jobs whose events may be
 * archived stay as they are. Needs the accounts' lock; safe to repeat.
 */
export async function foldJobs(tx: Db, jobs: readonly JobKey[]): Promise<void> {
  if (jobs.length === 0) return;
  await sql`
    /* prepare fold_jobs */
    with touched as (
      select distinct touched.* from unnest(
        ${textArray(jobs.map((key) => key.account))}::text[],
        ${textArray(jobs.map((key) => key.app))}::text[],
        ${textArray(jobs.map((key) => key.job))}::text[]) as touched (account_id, app, job)
      join account on account.account_id = touched.account_id
      where not exists (select from job where job.account_id = account.account_id
        and job.app = touched.app and job.job = touched.job and job.is_archived)
    ),
    started as (
      select distinct on (account_id, app, job)
        touched.account_id, touched.app, touched.job, e.size_tenths, e.at as started_at
      from touched join standing_event e on e.account_id = touched.account_id and e.meter = 'job'
        and e.resource = touched.job and e.app = touched.app and e.level = 1
      order by account_id, app, job, e.at, e.tie, e.event_id, e.source
    ),
    present as (
      select started.*, least(started_at + ${LONGEST}, (
        select min(e.at) from standing_event e
        where e.account_id = account.account_id and e.meter = 'job' and e.resource = started.job
          and e.app = started.app and e.level = 0 and e.at >= started_at)) as ended_at
      from started join account on account.account_id = started.account_id
    ),
    part as materialized (
      select account_id, app, size_tenths::bigint as level, started_at, ended_at from present
      union all
      select account_id, app, -size_tenths, started_at, ended_at from job join touched using (account_id, app, job)
    ),
    dropped as (
      delete from job using touched
      where job.account_id = touched.account_id and job.app = touched.app and job.job = touched.job
        and not exists (select from present where present.account_id = job.account_id
          and present.app = job.app and present.job = job.job)
    ),
    kept as (
      insert into job (account_id, app, job, size_tenths, started_at, ended_at)
      select account_id, app, job, size_tenths, started_at, ended_at
      from present where exists (select from part) order by 1, 2, 3
      on conflict (account_id, app, job) do update set
        size_tenths = excluded.size_tenths,
        started_at = excluded.started_at,
        ended_at = excluded.ended_at
    ),
    noted_late as (
      update account set late_since = least(account.late_since, late.at)
      from (select account_id, min(started_at) as at from part group by account_id) late
      where account.account_id = late.account_id and late.at < account.last_cut_at
    ),
    bound as (
      select touched.account_id, touched.app, min(event.at) as first_at,
        max(event.at) + ${LONGEST} as last_at
      from touched join event on event.account_id = touched.account_id and event.meter = 'job'
        and event.resource = touched.job and event.app = touched.app and event.level = 1
        and ${HAS_COUNTED}
      group by 1, 2
    ),
    folded as (
      insert into series (account_id, meter, resource, size_tenths, level, offset_units, first_at,
        last_at)
      select account_id, 'job', app, 0, 0,
        coalesce(sum(level * (ended_at - started_at)), 0)::bigint, first_at, last_at
      from bound left join part using (account_id, app)
      group by account_id, app, first_at, last_at order by account_id, app
      on conflict (account_id, meter, resource, size_tenths) do update set
        offset_units = series.offset_units + excluded.offset_units,
        first_at = least(series.first_at, excluded.first_at),
        last_at = greatest(series.last_at, excluded.last_at)
    ),
    checkpoint_share as (
      select part.account_id, part.app, checkpoint.at,
        sum(level * (least(ended_at, checkpoint.at) - started_at))::bigint as units
      from part join checkpoint on checkpoint.account_id = part.account_id
        and checkpoint.meter = 'job' and checkpoint.resource = part.app
        and checkpoint.size_tenths = 0 and checkpoint.at > part.started_at
      group by 1, 2, 3
    )
    update checkpoint set integral_units = checkpoint.integral_units + share.units
    from checkpoint_share share
    where checkpoint.account_id = share.account_id and checkpoint.meter = 'job'
      and checkpoint.resource = share.app and checkpoint.size_tenths = 0
      and checkpoint.at = share.at`.execute(tx);
}
