import pg from 'pg';
import { Fault } from '../../values/fault.ts';
import {
  DISTRIBUTED,
  DISTRIBUTION_COLUMN,
  DROPPED_FOREIGN_KEYS,
  DROPPED_TRIGGERS,
} from './plan.ts';

/**
 * Spreads the tables of accounts over the nodes of Citus, as the plan says, with all that is in them. The schema
 * must be up to date. Nobody else may use the database meanwhile, and the service must be started anew after it:
 * sessions learn of the settings when they begin. Each table moves as a whole; when one fails, those before it have
 * moved, and running it again goes on. Answers the tables that moved now; safe to repeat.
 *
 * @throws Fault `citus_missing` where the extension cannot be had (nothing is changed), `database_in_use`,
 *   `not_distributed`.
 */
export async function distribute(pool: pg.Pool): Promise<readonly string[]> {
  return await alone(pool, async (client) => {
    await refuseWithoutCitus(client);
    await refuseInUse(client);
    await client.query('create extension if not exists citus');
    await setSettings(client);
    const moved = await moveTables(client);
    // Also those of a run that was cut off: what was copied still lies here, hidden.
    await dropCopied(client, DISTRIBUTED);
    return moved;
  });
}

/**
 * Lets tables of accounts that new migrations made follow those that are distributed; does nothing where none is.
 * Answers which moved.
 */
export async function followDistribution(pool: pg.Pool): Promise<readonly string[]> {
  const { rows } = await pool.query<{ found: boolean }>(
    `select exists (select from pg_extension where extname = 'citus') as found`,
  );
  if (rows[0]?.found !== true) return [];
  return await alone(pool, async (client) => {
    const { rows: known } = await client.query('select from pg_dist_partition limit 1');
    if (known.length === 0) return [];
    const moved = await moveTables(client);
    await dropCopied(client, moved);
    return moved;
  });
}

/** One process at a time; what is set for the session ends with it. */
async function alone<T>(pool: pg.Pool, work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query(`select pg_advisory_lock(hashtextextended('distribute', 0))`);
    return await work(client);
  } finally {
    client.release(true);
  }
}

async function refuseWithoutCitus(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query(
    `select from pg_available_extensions where name = 'citus'
      and current_setting('server_version_num')::int >= 150000`,
  );
  if (rows.length > 0) return;
  throw new Fault(
    'unavailable',
    'citus_missing',
    'Nothing was distributed: this PostgreSQL has no extension "citus". The schema is up to date, and one ' +
      'machine needs no more. For several, install Citus on PostgreSQL 15 or later on each, add citus to ' +
      'shared_preload_libraries, name the coordinator in DATABASE_URL, and run this again.',
  );
}

/** A session that is open would go on without the settings, and accounts would see nothing of theirs. */
async function refuseInUse(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ sessions: number }>(
    `select count(*)::int as sessions from pg_stat_activity
      where datname = current_database() and application_name like 'gigameter%'
        and application_name <> current_setting('application_name')`,
  );
  const { sessions } = rows[0]!;
  if (sessions === 0) return;
  throw new Fault(
    'conflict',
    'database_in_use',
    `${sessions} sessions of gigameter use this database. Stop the service in every place, then run this again.`,
  );
}

/** For every session of this user from now on, and for this one. */
async function setSettings(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ role: string; database: string }>(
    'select current_user as role, current_database() as database',
  );
  const role = pg.escapeIdentifier(rows[0]!.role);
  const database = pg.escapeIdentifier(rows[0]!.database);
  for (const [name, value] of SETTINGS) {
    await client.query(`alter role ${role} in database ${database} set ${name} = '${value}'`);
    await client.query(`set ${name} = '${value}'`);
  }
}

const SETTINGS = [
  // Else the account whose rows may be seen is known on the coordinator only, and nobody sees any.
  ['citus.propagate_set_commands', 'local'],
  // Those that refuse every change; none looks at another table.
  ['citus.enable_unsafe_triggers', 'on'],
] as const;

async function moveTables(client: pg.ClientBase): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select relname as name from pg_dist_partition join pg_class c on c.oid = logicalrelid
      where relnamespace = current_schema()::regnamespace`,
  );
  const present = new Set(rows.map(({ name }) => name));
  const missing = DISTRIBUTED.filter((table) => !present.has(table));
  if (missing.length === 0) return [];
  for (const [table, name] of DROPPED_FOREIGN_KEYS) {
    await client.query(`alter table ${table} drop constraint if exists ${name}`);
  }
  for (const [table, name] of DROPPED_TRIGGERS) {
    // On a distributed table this is refused, also when there is none.
    if (!present.has(table)) await client.query(`drop trigger if exists ${name} on ${table}`);
  }
  for (const table of missing) await moveTable(client, table);
  return missing;
}

async function moveTable(client: pg.ClientBase, table: string): Promise<void> {
  const colocation = table === DISTRIBUTED[0] ? 'none' : DISTRIBUTED[0];
  try {
    await client.query(
      'select create_distributed_table($1::text::regclass, $2, colocate_with => $3)',
      [table, DISTRIBUTION_COLUMN, colocation],
    );
  } catch (error) {
    throw new Fault(
      'conflict',
      'not_distributed',
      `The table ${table} could not be distributed: ${error instanceof Error ? error.message : String(error)}. ` +
        'Tables before it are, and everything can still be read. Mend this and run it again.',
    );
  }
}

async function dropCopied(client: pg.ClientBase, tables: readonly string[]): Promise<void> {
  for (const table of tables) {
    await client.query('select truncate_local_data_after_distributing_table($1::text::regclass)', [
      table,
    ]);
  }
}
