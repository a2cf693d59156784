import { sql } from 'kysely';
import { tierAt, type Account } from '../accounts/account.ts';
import type { Db } from '../database/pool.ts';
import { readTieBreak } from '../events/order.ts';
import type { HeldApp, HeldDatabase, Holdings } from '../limits/holdings.ts';
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
};

export type DesiredState = {
  readonly apps: readonly DesiredApp[];
  /** Deleted ones stay listed (R47). */
  readonly databases: readonly DesiredDatabase[];
};

/**
 * What an account wants to run. Once an app is deployed or a database available, the latest fact about it
 * says, whether a command or the platform made it; so the two can never differ. Until then the command's own
 * row says.
 */
export async function readDesired(db: Db, accountId: string): Promise<DesiredState> {
  const apps = await readApps(db, accountId);
  const databases = await readDatabases(db, accountId);
  const live = new Set(apps.map(({ app }) => app));
  return {
    apps,
    databases: databases.map((one) =>
      one.state === 'PENDING' && !live.has(one.app) ? { ...one, state: 'DELETED' } : one,
    ),
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

async function readApps(db: Db, accountId: string): Promise<DesiredApp[]> {
  const { rows } = await sql<AppRow>`
    /* prepare read_desired_apps */
    select known.app, desired_app.replicas, desired_app.size_tenths as "desiredTenths",
      latest.type, latest.level, latest.size_tenths as "sizeTenths", latest.at, latest.tie
    from (
      select resource as app from series where account_id = ${accountId} and meter = 'app'
      union
      select app from desired_app where account_id = ${accountId}
    ) known
    left join desired_app on desired_app.account_id = ${accountId} and desired_app.app = known.app
    left join lateral (
      select type, level, size_tenths, at, tie from event
      where account_id = ${accountId} and meter = 'app' and resource = known.app
      order by at desc, tie desc, event_id desc, source desc limit 1
    ) latest on true
    where latest.type is distinct from 'app.deleted'
    order by known.app`.execute(db);
  return rows.map((row) => {
    if (row.at === null) {
      const { app, replicas, desiredTenths } = row;
      return {
        app,
        replicas: replicas ?? 0,
        sizeTenths: desiredTenths ?? SMALLEST_TENTHS,
        isDeployed: false,
        latestAt: undefined,
      };
    }
    const { app, level, sizeTenths, at, tie } = row;
    const replicas = Number(level) / sizeTenths;
    return { app, replicas, sizeTenths, isDeployed: true, latestAt: instantOf(at, tie) };
  });
}

/** Only for an app that became known before this service kept what is desired. */
const SMALLEST_TENTHS = 2;

type AppRow = {
  readonly app: string;
  readonly replicas: number | null;
  readonly desiredTenths: number | null;
} & Latest<{ readonly level: bigint; readonly sizeTenths: number }>;

type Latest<Content> =
  | ({ readonly at: Second; readonly tie: string } & Content)
  | ({ readonly at: null; readonly tie: null } & { readonly [Key in keyof Content]: null });

async function readDatabases(db: Db, accountId: string): Promise<DesiredDatabase[]> {
  const { rows } = await sql<DatabaseRow>`
    /* prepare read_desired_databases */
    select known.database, coalesce(database_app.app, desired_database.app) as app,
      coalesce(sized.size_tenths, desired_database.size_tenths) as "sizeTenths",
      desired_database.deleted_at as "deletedAt", latest.level, latest.at, latest.tie
    from (
      select database from database_app where account_id = ${accountId}
      union
      select database from desired_database where account_id = ${accountId}
    ) known
    left join database_app on database_app.account_id = ${accountId}
      and database_app.database = known.database
    left join desired_database on desired_database.account_id = ${accountId}
      and desired_database.database = known.database
    left join lateral (
      select level, at, tie from event
      where account_id = ${accountId} and meter = 'database' and resource = known.database
      order by at desc, tie desc, event_id desc, source desc limit 1
    ) latest on true
    left join lateral (
      select size_tenths from event
      where account_id = ${accountId} and meter = 'database' and resource = known.database
        and level = 1
      order by at desc, tie desc, event_id desc, source desc limit 1
    ) sized on true
    order by known.database`.execute(db);
  return rows.map(({ database, app, sizeTenths, ...row }) => ({
    database,
    app,
    sizeTenths,
    state: stateOf(row),
    latestAt: row.at === null ? undefined : instantOf(row.at, row.tie),
  }));
}

type DatabaseRow = {
  readonly database: string;
  readonly app: string;
  readonly sizeTenths: number;
  readonly deletedAt: Date | null;
} & Latest<{ readonly level: bigint }>;

function stateOf({ level, deletedAt }: Pick<DatabaseRow, 'level' | 'deletedAt'>): DatabaseState {
  if (level !== null) return level > 0n ? 'AVAILABLE' : 'DELETED';
  return deletedAt === null ? 'PENDING' : 'DELETED';
}

function instantOf(second: Second, tie: string): Instant {
  return { second, fraction: readTieBreak(tie).fraction };
}
