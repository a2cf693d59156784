import { mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import type pg from 'pg';
import { startEmbeddedPostgres } from '../src/database/embedded.ts';
import { migrate } from '../src/database/migrate.ts';
import { openDatabase, openPool, type Db } from '../src/database/pool.ts';
import { findRedis, startRedis } from '../test/support/redis.ts';

/** What scenarios run on. Every write reaches the disk, as in production. */
export type Servers = {
  readonly url: string;
  /** Process id of the PostgreSQL server. */
  readonly postmaster: number;
  readonly redisUrl: string | undefined;
  /** A migrated, empty database of its own; dropped at the end. */
  readonly makeDatabase: () => Promise<BenchDatabase>;
  readonly stop: () => Promise<void>;
};

export type BenchDatabase = {
  readonly url: string;
  readonly pool: pg.Pool;
  readonly db: Db;
  readonly drop: () => Promise<void>;
};

/** As performance.md measured the limits; both sides of a ratio run on the same server. */
const SETTINGS = {
  fsync: 'on',
  synchronous_commit: 'on',
  shared_buffers: '1GB',
  max_wal_size: '8GB',
  checkpoint_timeout: '30min',
  max_connections: '200',
};

export async function startServers(): Promise<Servers> {
  const folder = path.resolve('.data', `bench-${process.pid}`);
  await mkdir(folder, { recursive: true });
  const dataDir = path.join(folder, 'postgres');
  const postgres = await startEmbeddedPostgres({ dataDir, settings: SETTINGS });
  const pidFile = await readFile(path.join(dataDir, 'cluster', 'postmaster.pid'), 'utf8');
  const program = findRedis();
  const redis =
    program === null
      ? undefined
      : await startRedis(program, path.join(folder, 'redis'), {
          appendonly: 'yes',
          appendfsync: 'always',
        });
  let made = 0;
  return {
    url: postgres.url,
    postmaster: Number(pidFile.split('\n')[0]),
    redisUrl: redis?.url,
    makeDatabase: async () => await makeDatabase(postgres.url, `bench_${++made}`),
    stop: async () => {
      await redis?.stop();
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function makeDatabase(serverUrl: string, name: string): Promise<BenchDatabase> {
  await asAdmin(serverUrl, `create database ${name}`);
  const url = Object.assign(new URL(serverUrl), { pathname: `/${name}` }).href;
  const pool = openPool({ url, log: console.error });
  await migrate(pool);
  const drop = async (): Promise<void> => {
    await pool.end();
    await asAdmin(serverUrl, `drop database ${name} with (force)`);
  };
  return { url, pool, db: openDatabase(pool), drop };
}

async function asAdmin(url: string, statement: string): Promise<void> {
  const pool = openPool({ url, max: 1, log: console.error });
  try {
    await pool.query(statement);
  } finally {
    await pool.end();
  }
}
