import { sql } from 'kysely';
import { lockAccounts } from '../../accounts/lock.ts';
import type { Db } from '../../database/pool.ts';
import { groupBy } from '../../values/group.ts';
import { MAX_JOB_SECONDS } from './level.ts';
import { among, boundsOf } from './bounds.ts';
import { cutSeries, noteCuts, type Cut } from './checkpoints.ts';
import { basesOf } from './settled.ts';

/** A derived row that was not what the facts say. */
export type Drift = {
  readonly account: string;
  /** The table and the key within the account. */
  readonly what: string;
  readonly was: string;
  readonly is: string;
};

/**
 * Recomputes everything that is derived from the facts of some accounts, set-wise, puts it in place of what
 * is there, and answers every difference. Recording keeps the same rows right bit by bit, so there should be
 * none.
 * What is settled (the bases of series, their checkpoints before that, archived jobs) is a fact like the events.
 * `isDryRun` compares and changes nothing. One transaction under the accounts' lock: others go on.
 */
export async function rebuildSeries(
  db: Db,
  accounts: readonly string[],
  isDryRun: boolean,
): Promise<Drift[]> {
  const tx = await db.startTransaction().setIsolationLevel('read committed').execute();
  try {
    await lockAccounts(tx, accounts);
    const drifts = [
      ...(await rebuildDatabases(tx, accounts)),
      ...(await rebuildJobs(tx, accounts)),
      ...(await rebuildLevels(tx, accounts)),
      ...(await rebuildCheckpoints(tx, accounts)),
      ...(await rebuildInstants(tx, accounts)),
    ];
    if (isDryRun) await tx.rollback().execute();
    else await tx.commit().execute();
    return drifts;
  } catch (error) {
    await tx.rollback().execute();
    throw error;
  }
}

async function rebuildDatabases(tx: Db, accounts: readonly string[]): Promise<Drift[]> {
  const { rows } = await sql<Drift>`
    with is_now as (
      select distinct on (account_id, resource) account_id, resource as database, app
      from event where type = 'database.available' and ${among(accounts)}
      order by account_id, resource, recording, at, tie, event_id, source
    ),
    was as (
      delete from database_app where ${among(accounts)} returning account_id, database, app
    )
    select account_id as account, 'app of database ' || database as what,
      coalesce(was.app, 'none') as was, coalesce(is_now.app, 'none') as "is"
    from is_now full join was using (account_id, database)
    where was.app is distinct from is_now.app`.execute(tx);
  await sql`
    insert into database_app (account_id, database, app)
    select distinct on (account_id, resource) account_id, resource, app
    from event where type = 'database.available' and ${among(accounts)}
    order by account_id, resource, recording, at, tie, event_id, source`.execute(tx);
  return rows;
}

/** From the first start to the first end after that, five minutes at most (R14). */
async function rebuildJobs(tx: Db, accounts: readonly string[]): Promise<Drift[]> {
  await sql`create temp table rebuilt_job on commit drop as
    with started as (
      select distinct on (account_id, app, resource)
        account_id, app, resource as job, size_tenths, at as started_at
      from standing_event e where meter = 'job' and level = 1 and ${among(accounts)}
        and not exists (select from job where job.account_id = e.account_id and job.app = e.app
          and job.job = e.resource and job.is_archived)
      order by account_id, app, resource, at, tie, event_id, source
    )
    select started.*, least(started_at + ${sql.lit(Number(MAX_JOB_SECONDS))}, (
      select min(e.at) from standing_event e
      where e.account_id = account.account_id and e.meter = 'job' and e.resource = started.job
        and e.app = started.app and e.level = 0 and e.at >= started_at)) as ended_at
    from started join account on account.account_id = started.account_id`.execute(tx);
  const told = (row: string) =>
    sql`${sql.ref(`${row}.size_tenths`)} || ' tenths, ' || ${sql.ref(`${row}.started_at`)} || '–' || ${sql.ref(`${row}.ended_at`)}`;
  const { rows } = await sql<Drift>`
    with was as (delete from job where ${among(accounts)} and not is_archived returning *)
    select account_id as account, 'job ' || app || '/' || job as what,
      coalesce(${told('was')}, 'none') as was, coalesce(${told('r')}, 'none') as "is"
    from was full join rebuilt_job r using (account_id, app, job)
    where (was.size_tenths, was.started_at, was.ended_at)
      is distinct from (r.size_tenths, r.started_at, r.ended_at)`.execute(tx);
  await sql`insert into job (account_id, app, job, size_tenths, started_at, ended_at)
    select account_id, app, job, size_tenths, started_at, ended_at from rebuilt_job`.execute(tx);
  await sql`drop table rebuilt_job`.execute(tx);
  return rows;
}

async function rebuildLevels(tx: Db, accounts: readonly string[]): Promise<Drift[]> {
  await sql`create temp table rebuilt_series on commit drop as
    with counted as (
      select account_id, meter, resource, size_tenths, level, at, tie, event_id, source
      from standing_event left join ${basesOf(accounts)} base using (account_id, meter, resource)
      where meter in ('app', 'database') and ${among(accounts)} and at >= coalesce(until_at, 0)
      union all
      select account_id, meter, resource, size_tenths, level, until_at, '', '', ''
      from series_base where level > 0 and ${among(accounts)}
    ),
    stretch as (
      select account_id, meter, resource, case when meter = 'app' then 0 else size_tenths end
          as size_tenths, level, at,
        lead(at) over (partition by account_id, meter, resource
          order by at, tie, event_id, source) as until
      from counted
    ),
    part as (
      select account_id, meter, resource, size_tenths,
        case when until is null then level else 0 end as level,
        case when until is null then -level * at else level * (until - at) end as offset_units
      from stretch where meter = 'app' or level = 1
      union all
      select account_id, meter, resource, size_tenths, 0, offset_units
      from series_base where ${among(accounts)}
      union all
      select account_id, 'job', app, 0, 0, size_tenths * (ended_at - started_at)
      from job where ${among(accounts)}
    )
    select account_id, meter, resource, size_tenths, coalesce(sum(level), 0)::bigint as level,
      coalesce(sum(offset_units), 0)::bigint as offset_units, first_at, last_at
    from ${boundsOf(accounts)} bound
    left join part using (account_id, meter, resource, size_tenths)
    group by account_id, meter, resource, size_tenths, first_at, last_at`.execute(tx);
  const told = (row: string) =>
    sql`${sql.ref(`${row}.level`)} || ' × t + ' || ${sql.ref(`${row}.offset_units`)} || ', ' || ${sql.ref(`${row}.first_at`)} || '–' || ${sql.ref(`${row}.last_at`)}`;
  const { rows } = await sql<Drift>`
    with was as (delete from series where ${among(accounts)} returning *)
    select account_id as account,
      'series ' || meter || ' ' || resource || ' size ' || size_tenths as what,
      coalesce(${told('was')}, 'none') as was, coalesce(${told('r')}, 'none') as "is"
    from was full join rebuilt_series r using (account_id, meter, resource, size_tenths)
    where (was.level, was.offset_units, was.first_at, was.last_at)
      is distinct from (r.level, r.offset_units, r.first_at, r.last_at)`.execute(tx);
  await sql`insert into series (account_id, meter, resource, size_tenths, level, offset_units,
      first_at, last_at)
    select account_id, meter, resource, size_tenths, level, offset_units, first_at, last_at
    from rebuilt_series order by 1, 2, 3, 4`.execute(tx);
  await sql`drop table rebuilt_series`.execute(tx);
  return rows;
}

/**
 * Latest cuts first: each integral is found from the checkpoint after it, so that every event is read about
 * once, however many checkpoints there are.
 */
async function rebuildCheckpoints(tx: Db, accounts: readonly string[]): Promise<Drift[]> {
  await sql`create temp table former_checkpoint on commit drop as
    select * from checkpoint where ${among(accounts)}`.execute(tx);
  await sql`delete from checkpoint where ${among(accounts)} and not exists (
    select from ${basesOf(accounts)} base where base.account_id = checkpoint.account_id
      and base.meter = checkpoint.meter and base.resource = checkpoint.resource
      and checkpoint.at < base.until_at)`.execute(tx);
  const { rows: cuts } = await sql<Cut & { readonly turn: number }>`
    select account_id as account, at,
      (row_number() over (partition by account_id order by at desc))::int as turn
    from (
      select account_id, end_at as at from billing_period where ${among(accounts)}
      union select account_id, upgraded_at from account
      where upgraded_at is not null and ${among(accounts)}
    ) cut order by turn`.execute(tx);
  for (const ofTurn of groupBy(cuts, ({ turn }) => turn).values()) await cutSeries(tx, ofTurn);
  await noteCuts(tx, cuts);
  const { rows } = await sql<Drift>`
    select account_id as account,
      'checkpoint ' || meter || ' ' || resource || ' size ' || size_tenths || ' at ' || at as what,
      f.integral_units::text as was, c.integral_units::text as "is"
    from former_checkpoint f join checkpoint c using (account_id, meter, resource, size_tenths, at)
    where f.integral_units <> c.integral_units`.execute(tx);
  await sql`drop table former_checkpoint`.execute(tx);
  return rows;
}

async function rebuildInstants(tx: Db, accounts: readonly string[]): Promise<Drift[]> {
  const told = sql`(
    select account_id, min(at) filter (where type = 'account.confirmed') as confirmed_at,
      min(at) filter (where type = 'account.upgraded') as upgraded_at,
      min(at) filter (where type = 'account.deleted') as deleted_at
    from account left join standing_event using (account_id)
    where ${among(accounts)} group by account_id)`;
  const { rows } = await sql<Drift>`
    select account_id as account, name as what, coalesce(was::text, 'none') as was,
      coalesce(now::text, 'none') as "is"
    from account join ${told} told using (account_id),
      lateral (values ('confirmed_at', account.confirmed_at, told.confirmed_at),
        ('upgraded_at', account.upgraded_at, told.upgraded_at),
        ('deleted_at', account.deleted_at, told.deleted_at)) as instant (name, was, now)
    where was is distinct from now`.execute(tx);
  if (rows.length === 0) return [];
  await sql`
    update account set confirmed_at = told.confirmed_at, upgraded_at = told.upgraded_at,
      deleted_at = told.deleted_at
    from ${told} told where account.account_id = told.account_id`.execute(tx);
  return rows;
}
