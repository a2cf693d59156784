import { sql, type RawBuilder } from 'kysely';
import { numberArray, textArray } from '../../database/arrays.ts';
import type { Db } from '../../database/pool.ts';
import { MAX_JOB_SECONDS } from './level.ts';
import type { Placed } from './deltas.ts';
import { basesOf } from './settled.ts';

/*
 * A series is nothing before `first_at` and a line from `last_at` on. Both follow from all events that ever
 * counted, superseded ones too: so they only grow as events come, whatever their order, and come out the same
 * when they are found anew from the facts.
 */

/** Lets all sizes of databases reach to the last of the events, which may be about another size. */
export async function spanDatabases(tx: Db, placed: readonly Placed[]): Promise<void> {
  const ofDatabases = placed.filter(({ row }) => row.meter === 'database');
  if (ofDatabases.length === 0) return;
  await sql`
    /* prepare span_databases */
    update series set last_at = reached.last_at
    from (
      select series.account_id, series.resource,
        max(greatest(given.at, series.last_at)) as last_at
      from unnest(
        ${textArray(ofDatabases.map(({ event }) => event.account))}::text[],
        ${textArray(ofDatabases.map(({ row }) => row.resource!))}::text[],
        ${numberArray(ofDatabases.map(({ row }) => row.at))}::bigint[]
      ) as given (account_id, resource, at)
      join series on series.account_id = given.account_id and series.meter = 'database'
        and series.resource = given.resource
      group by 1, 2
    ) reached
    where series.account_id = reached.account_id and series.meter = 'database'
      and series.resource = reached.resource and series.last_at < reached.last_at`.execute(tx);
}

/** Finds the bounds of job series anew, after jobs became facts of their own or ceased to be. */
export async function fitJobBounds(tx: Db, accounts: readonly string[]): Promise<void> {
  await sql`
    update series set first_at = told.first_at, last_at = told.last_at
    from ${jobBounds(accounts)} told
    where series.account_id = told.account_id and series.meter = told.meter
      and series.resource = told.resource and series.size_tenths = told.size_tenths
      and (series.first_at, series.last_at) <> (told.first_at, told.last_at)`.execute(tx);
}

/** SQL: the bounds of every series of the accounts, as their facts have them. */
export function boundsOf(accounts: readonly string[]): RawBuilder<unknown> {
  return sql`(
    select account_id, meter, resource, size_tenths, min(first_at) as first_at,
      max(last_at) as last_at
    from (
      select * from ${levelBounds(accounts)} leveled
      union all select * from ${jobBounds(accounts)} jobs
      union all
      select account_id, 'app', event.app, 0, signed_up_at, signed_up_at
      from event join account using (account_id)
      where event.type = 'app.created' and ${among(accounts)}
    ) bound group by 1, 2, 3, 4)`;
}

/** An app's from its first event to its last; a database's from the first of its size to its last of any. */
function levelBounds(accounts: readonly string[]): RawBuilder<unknown> {
  return sql`(
    select * from (
      select account_id, meter, resource, size_tenths, min(first_at) as first_at,
        max(max(last_at)) over (partition by account_id, meter, resource) as last_at
      from (
        select account_id, meter, resource,
          case when meter = 'app' then 0 when level = 1 then size_tenths end as size_tenths,
          at as first_at, at as last_at
        from event left join ${basesOf(accounts)} base using (account_id, meter, resource)
        where meter in ('app', 'database') and ${among(accounts)} and ${HAS_COUNTED}
          and at >= coalesce(until_at, 0)
        union all
        select account_id, meter, resource, size_tenths, first_at, last_at
        from series_base where ${among(accounts)}
      ) told group by account_id, meter, resource, size_tenths
    ) spanned where size_tenths is not null)`;
}

/** From an app's first start of a job to the latest that a job of it may have lasted. */
function jobBounds(accounts: readonly string[]): RawBuilder<unknown> {
  return sql`(
    select account_id, 'job' as meter, app as resource, 0 as size_tenths,
      min(started_at) as first_at, max(started_at) + ${sql.lit(Number(MAX_JOB_SECONDS))} as last_at
    from (
      select account_id, app, at as started_at from event
      where meter = 'job' and level = 1 and ${among(accounts)} and ${HAS_COUNTED}
        and not exists (select from job where job.account_id = event.account_id
          and job.app = event.app and job.job = event.resource and job.is_archived)
      union all
      select account_id, app, started_at from job where is_archived and ${among(accounts)}
    ) started group by account_id, app)`;
}

/** SQL about the row `event`: what came too late for what is settled is superseded by its own recording. */
export const HAS_COUNTED = sql`(not event.is_superseded or event.superseded_in > event.recording)`;

/** SQL: rows of the accounts. */
export function among(accounts: readonly string[]): RawBuilder<unknown> {
  return sql`account_id = any(${textArray(accounts)}::text[])`;
}
