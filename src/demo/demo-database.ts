import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type pg from 'pg';
import { startEmbeddedPostgres } from '../database/embedded.ts';
import { openPool } from '../database/pool.ts';

export type DemoDatabase = {
  readonly url: string;
  /** A folder of this run alone. */
  readonly folder: string;
  readonly stop: () => Promise<void>;
};

/** A new, empty database on an embedded server. What runs that were cut off have left is cleared away. */
export async function demoDatabase(dataDir: string, log: Logger): Promise<DemoDatabase> {
  const server = await startEmbeddedPostgres({ dataDir: join(dataDir, 'postgres') });
  const admin = openPool({
    url: server.url,
    max: 1,
    log: (message, err) => log.warn({ err }, message),
  });
  await dropAbandoned(admin, dataDir);
  const name = `demo_${process.pid}`;
  await admin.query(`create database ${name}`);
  const folder = join(dataDir, name);
  await mkdir(folder, { recursive: true });
  return {
    url: Object.assign(new URL(server.url), { pathname: `/${name}` }).href,
    folder,
    stop: async () => {
      await admin.query(`drop database ${name} with (force)`);
      await rm(folder, { recursive: true, force: true });
      await admin.end();
      await server.stop();
    },
  };
}

async function dropAbandoned(admin: pg.Pool, dataDir: string): Promise<void> {
  const { rows } = await admin.query<{ datname: string }>(
    `select datname from pg_database where datname like 'demo\\_%'
      and not exists (select from pg_stat_activity where datname = pg_database.datname)`,
  );
  for (const { datname } of rows) {
    await admin.query(`drop database ${datname} with (force)`);
    await rm(join(dataDir, datname), { recursive: true, force: true });
  }
}
