import { sql } from 'kysely';
import { tierAt, type Account } from '../accounts/account.ts';
import type { Db } from '../database/pool.ts';
import { readTieBreak } from '../events/order.ts';
import type { HeldApp, HeldDatabase, Holdings } from '../limits/holdings.ts';
import type { Levels } from '../metering/usage/levels.ts';
import type { Instant, Second } from '../values/instant.ts';

/** An app that was not deleted, with what is desired of it. */
export type DesiredApp = HeldApp & {
  /** It is metered: its desired state is what the latest fact says (R12). */
  readonly isDeployed: boolean;
  readonly latestAt: Instant | undefined;
};

export type DatabaseState = 'PENDING' | 'AVAILABLE' | 'DELETED';

export type DesiredDatabase = HeldDatabase & {
  readonly state: DatabaseState;
  readonly latestAt: Instant | undefined;
  /** How many rows it held at the latest observation. */
  readonly observedRows: bigint | undefined;
};

export type DesiredState = {
  readonly apps: readonly DesiredApp[];
  /** Deleted ones stay listed (R47). */
  readonly databases: readonly DesiredDatabase[];
};

/**
 * What an account wants to run, by one statement. Once an app is deployed or a database available, the latest fact about it
 * says, whether a command or the platform made it; so the two can never differ. Until then the command's own
 * row says.
 */
export async function readDesired(db: Db, accountId: string): Promise<DesiredState> {
  const rows = await readResources(db, accountId);
  const apps = rows.filter(({ kind, type }) => kind === 'app' && type !== 'app.deleted').map(toApp);
  const live = new Set(apps.map(({ app }) => app));
  return {
    apps,
    databases: rows.filter(({ kind }) => kind === 'database').map((row) => toDatabase(row, live)),
  };
}

/** What of it runs: the levels that are metered now. */
export function runningOf({ apps, databases }: DesiredState): Levels {
  const running = databases.filter(({ state }) => state === 'AVAILABLE');
  return {
    apps: apps
      .filter(({ isDeployed, replicas }) => isDeployed && replicas > 0)
      .map(({ app, replicas, sizeTenths }) => ({
        app,
        levelTenths: BigInt(replicas * sizeTenths),
      })),
    databases: running.map(({ app, database, sizeTenths }) => ({ app, database, sizeTenths })),
  };
}

/** What limits are decided by: as the account is at an instant, with what it wants to run. */
export function holdingsOf(account: Account, desired: DesiredState, at: Second): Holdings {
  return {
    tier: tierAt(account, at),
    isConfirmed: account.confirmedAt !== undefined,
    apps: desired.apps,
    databases: desired.databases.filter(({ state }) => state !== 'DELETED'),
  };
}

async function readResources(db: Db, accountId: string): Promise<readonly ResourceRow[]> {
  // The kind of each look-up is said within it: a join's condition would be looked at after the events were.
  const facts = sql`from standing_event
      where account_id = ${accountId} and meter = known.kind and resource = known.name`;
  const latestFirst = sql`order by at desc, tie desc, event_id desc, source desc limit 1`;
  const { rows } = await sql<ResourceRow>`/* prepare read_desired */
    select known.kind, known.name,
      coalesce(database_app.app, desired_database.app, known.name) as app, desired_app.replicas,
      coalesce(desired_app.size_tenths, desired_database.size_tenths) as "desiredTenths",
      desired_database.deleted_at as "deletedAt", latest.type, latest.level, latest.at, latest.tie,
      coalesce(sized.size_tenths, latest.size_tenths) as "sizeTenths", observed.rows as "observedRows"
    from (
      select 'app' as kind, resource as name from series
        where account_id = ${accountId} and meter = 'app'
      union select 'app', app from desired_app where account_id = ${accountId}
      union select 'database', database from database_app where account_id = ${accountId}
      union select 'database', database from desired_database where account_id = ${accountId}
    ) known
    left join desired_app on known.kind = 'app'
      and desired_app.account_id = ${accountId} and desired_app.app = known.name
    left join desired_database on known.kind = 'database'
      and desired_database.account_id = ${accountId} and desired_database.database = known.name
    left join database_app on known.kind = 'database'
      and database_app.account_id = ${accountId} and database_app.database = known.name
    left join lateral (
      select type, level, size_tenths, at, tie ${facts} ${latestFirst}
    ) latest on true
    left join lateral (
      select size_tenths ${facts} and known.kind = 'database' and level = 1 ${latestFirst}
    ) sized on true
    left join lateral (
      select (details ->> 'rows')::bigint as rows from standing_event
      where account_id = ${accountId} and type = 'database.rows_observed'
        and details ->> 'database' = known.name and known.kind = 'database'
      ${latestFirst}
    ) observed on true
    where known.kind = 'app' or latest.at is not null or desired_database.database is not null
    order by known.kind, known.name`.execute(db);
  return rows;
}

type ResourceRow = {
  readonly kind: 'app' | 'database';
  readonly name: string;
  readonly app: string;
  /** Of a command, as the next three: null for what the platform alone reported. */
  readonly replicas: number | null;
  readonly desiredTenths: number | null;
  readonly deletedAt: Date | null;
  readonly sizeTenths: number | null;
  readonly observedRows: bigint | null;
} & (
  | { readonly type: string; readonly level: bigint; readonly at: Second; readonly tie: string }
  | { readonly type: null; readonly level: null; readonly at: null; readonly tie: null }
);

/** Only for an app that became known before this service kept what is desired. */
const SMALLEST_TENTHS = 2;

function toApp(row: ResourceRow): DesiredApp {
  const { app, level } = row;
  const sizeTenths = row.sizeTenths ?? row.desiredTenths ?? SMALLEST_TENTHS;
  const isDeployed = level !== null;
  const replicas = isDeployed ? Number(level) / sizeTenths : (row.replicas ?? 0);
  return { app, replicas, sizeTenths, isDeployed, latestAt: latestOf(row) };
}

function toDatabase(row: ResourceRow, liveApps: ReadonlySet<string>): DesiredDatabase {
  const { name: database, app, observedRows } = row;
  const state = stateOf(row);
  return {
    database,
    app,
    sizeTenths: row.sizeTenths ?? row.desiredTenths!,
    state: state === 'PENDING' && !liveApps.has(app) ? 'DELETED' : state,
    latestAt: latestOf(row),
    observedRows: observedRows ?? undefined,
  };
}

function stateOf({ level, deletedAt }: ResourceRow): DatabaseState {
  if (level !== null) return level > 0n ? 'AVAILABLE' : 'DELETED';
  return deletedAt === null ? 'PENDING' : 'DELETED';
}

function latestOf({ at, tie }: ResourceRow): Instant | undefined {
  return at === null ? undefined : { second: at, fraction: readTieBreak(tie).fraction };
}
