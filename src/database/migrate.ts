import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Kysely, PostgresDialect } from 'kysely';
import { FileMigrationProvider, Migrator } from 'kysely/migration';
import type pg from 'pg';
import { Fault } from '../values/fault.ts';
import { followDistribution } from './distribution/distribute.ts';
import { protectAccountTables } from './row-level-security.ts';

export type MigrateOptions = {
  /** Default: this project's own migrations. */
  readonly folder?: string;
};

/**
 * Brings the database up to this code's tables, all pending migrations in one transaction.
 *
 * Safe to repeat and to run in several processes at once: one applies, the others wait and find
 * nothing to do. `applied` names what this call applied, in order.
 *
 * @throws when a migration fails (then nothing of this call is applied) and when the database has
 *   migrations this code does not know.
 */
export async function migrate(
  pool: pg.Pool,
  options: MigrateOptions = {},
): Promise<{ readonly applied: readonly string[] }> {
  const migrator = migratorOf(pool, options);
  await refuseNewer(pool, await migrator.getMigrations());
  const { error, results = [] } = await migrator.migrateToLatest();
  if (error !== undefined) {
    const failed = results.find(({ status }) => status === 'Error');
    const what = failed ? `Migration ${failed.migrationName} failed` : 'Migrating failed';
    const why = error instanceof Error ? `: ${error.message}` : '';
    throw new Error(`${what}${why}. Nothing was changed.`, { cause: error });
  }
  if (options.folder === undefined) {
    await protectAccountTables(pool);
    await followDistribution(pool);
  }
  return { applied: results.map(({ migrationName }) => migrationName) };
}

/** Names of the migrations `migrate` would apply, in order. */
export async function pendingMigrations(
  pool: pg.Pool,
  options: MigrateOptions = {},
): Promise<readonly string[]> {
  const known = await migratorOf(pool, options).getMigrations();
  await refuseNewer(pool, known);
  return known.filter(({ executedAt }) => executedAt === undefined).map(({ name }) => name);
}

// The same from src/database under tsx and from dist/src/database when compiled.
const ownFolder = path.join(import.meta.dirname, '..', '..', 'migrations');

// Kysely's log stays off: two processes at once make it report unique violations it then handles.
function migratorOf(pool: pg.Pool, { folder = ownFolder }: MigrateOptions): Migrator {
  return new Migrator({
    db: new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) }),
    provider: new FileMigrationProvider({
      fs: { readdir: async (name) => await readdir(name) },
      path,
      migrationFolder: folder,
      // Imported from here, so that the loader that runs this file also handles theirs.
      import: async (file) => await import(pathToFileURL(file).href),
    }),
  });
}

async function refuseNewer(
  pool: pg.Pool,
  known: readonly { readonly name: string }[],
): Promise<void> {
  const { rows: tables } = await pool.query<{ found: boolean }>(
    `select to_regclass('kysely_migration') is not null as found`,
  );
  if (tables[0]?.found !== true) return;
  const { rows } = await pool.query<{ name: string }>('select name from kysely_migration');
  const unknown = rows
    .map(({ name }) => name)
    .filter((name) => !known.some((k) => k.name === name));
  if (unknown.length === 0) return;
  throw new Fault(
    'conflict',
    'database_newer',
    `The database is newer than this version of gigameter: it has ${unknown.toSorted().join(', ')}, ` +
      'which this version does not know. Run the version that migrated it, or a later one.',
  );
}
