import { join } from 'node:path';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { startEmbeddedPostgres } from '../database/embedded.ts';
import { migrate } from '../database/migrate.ts';
import { openDatabase as makeDatabase, openPool, type Db } from '../database/pool.ts';

export type OpenDatabase = {
  readonly url: string;
  readonly pool: pg.Pool;
  readonly db: Db;
  /** Migrations this process applied just now. */
  readonly migrated: readonly string[];
  readonly stop: () => Promise<void>;
};

/**
 * The database of the settings, or the embedded one; its schema is up to date when this returns. The name is shown in
 * pg_stat_activity.
 */
export async function openDatabase(
  config: Pick<Config, 'databaseUrl' | 'dataDir'>,
  log: Logger,
  applicationName?: string,
): Promise<OpenDatabase> {
  const embedded =
    config.databaseUrl === undefined
      ? await startEmbeddedPostgres({
          dataDir: join(config.dataDir, 'postgres'),
          log: (message) => log.info(message),
        })
      : undefined;
  const url = config.databaseUrl ?? embedded!.url;
  const pool = openPool({
    url,
    ...(applicationName !== undefined && { applicationName }),
    log: (message, err) => log.warn({ err }, message),
  });
  const stop = async (): Promise<void> => {
    await pool.end();
    await embedded?.stop();
  };
  try {
    const { applied } = await migrate(pool);
    return { url, pool, db: makeDatabase(pool), migrated: applied, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
