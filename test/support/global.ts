import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../src/database/embedded.ts';
import { migrate } from '../../src/database/migrate.ts';
import { openPool } from '../../src/database/pool.ts';
import { endServers, removeDeadRuns } from './dead-runs.ts';
import { findRedis, startRedis, type TestRedis } from './redis.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The superuser's URL of the database `postgres`. */
    postgresUrl: string;
    /** A migrated database that test files clone. */
    templateName: string;
    /** Null when this machine has no Redis. */
    redisUrl: string | null;
  }
}

const templateName = 'template_migrated';
const runsDir = path.resolve('.data', 'test');

/** Starts one PostgreSQL and one Redis for all database tests of this run; returns the tear-down. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await removeDeadRuns(runsDir);
  const runDir = path.join(runsDir, `run-${process.pid}`);
  await mkdir(runDir, { recursive: true });
  // Ctrl-C makes vitest exit at once, without tear-down.
  const endNow = (): void => endServers(runDir);
  process.once('exit', endNow);
  const stops: (() => Promise<void>)[] = [
    async () => {
      await rm(runDir, { recursive: true, force: true });
      process.off('exit', endNow);
    },
  ];
  const tearDown = async (): Promise<void> => {
    for (const stop of stops.splice(0).toReversed()) await stop();
  };
  try {
    const postgres = await startPostgres(path.join(runDir, 'postgres'));
    stops.push(postgres.stop);
    await makeTemplate(postgres.url);
    const redis = await startRedisOrWarn(path.join(runDir, 'redis'));
    if (redis) stops.push(redis.stop);
    project.provide('postgresUrl', postgres.url);
    project.provide('templateName', templateName);
    project.provide('redisUrl', redis?.url ?? null);
    return tearDown;
  } catch (error) {
    await tearDown();
    throw error;
  }
}

async function startPostgres(dataDir: string): Promise<EmbeddedPostgres> {
  // Nothing here outlives the run, so nothing need reach the disk.
  const settings = {
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    max_connections: '200',
  };
  return await startEmbeddedPostgres({ dataDir, settings });
}

async function makeTemplate(url: string): Promise<void> {
  const admin = openPool({ url, max: 1, log: console.error });
  await admin.query(`create database ${templateName}`);
  await admin.end();
  const templateUrl = Object.assign(new URL(url), { pathname: `/${templateName}` });
  const pool = openPool({ url: templateUrl.href, log: console.error });
  try {
    await migrate(pool);
  } finally {
    // A template can only be cloned while nobody is connected to it.
    await pool.end();
  }
}

async function startRedisOrWarn(folder: string): Promise<TestRedis | null> {
  const program = findRedis();
  if (program) return await startRedis(program, folder);
  if (process.env['CI_REQUIRE_REDIS'] === '1') {
    throw new Error('redis-server was not found and CI_REQUIRE_REDIS=1 forbids to skip its tests');
  }
  const bar = '!'.repeat(78);
  console.warn(
    `\n${bar}\n!!  No redis-server found: THE REDIS HALF OF THE QUEUE TESTS IS SKIPPED.\n` +
      '!!  Install it to run everything, for example:  apt-get install -y redis-server\n' +
      `!!  The queue is tested on its PostgreSQL backend only.\n${bar}\n`,
  );
  return null;
}
