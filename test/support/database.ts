import { randomBytes } from 'node:crypto';
import type { Kysely } from 'kysely';
import type pg from 'pg';
import { inject } from 'vitest';
import { openDatabase, openPool, type Database } from '../../src/database/pool.ts';
import { checkInvariants } from './invariants.ts';

export type TestDatabase = {
  readonly url: string;
  readonly pool: pg.Pool;
  readonly db: Kysely<Database>;
  /**
   * Checks the invariants, ends the pool and drops the database, whoever is still connected. A test that broke
   * something on purpose says so.
   */
  drop(left?: { readonly isBroken: true }): Promise<void>;
};

/** A migrated, empty database of its own: call it once per test file, `drop` it in `afterAll`. */
export async function freshDatabase(): Promise<TestDatabase> {
  return await makeDatabase(`template ${inject('templateName')}`, checkInvariants);
}

/** Like `freshDatabase`, without any tables: for tests of the migrations themselves. */
export async function emptyDatabase(): Promise<TestDatabase> {
  return await makeDatabase('', async () => {});
}

/** A world that is expensive to make: made once, and copied for each test. `drop` it in `afterAll`. */
export async function worldOf(make: (database: TestDatabase) => Promise<void>) {
  const original = await freshDatabase();
  await make(original);
  await original.pool.end();
  const name = new URL(original.url).pathname.slice(1);
  return {
    copy: async () => await makeDatabase(`template ${name}`, checkInvariants),
    drop: async () => await asAdmin(`drop database ${name} with (force)`),
  };
}

async function makeDatabase(
  template: string,
  check: (pool: pg.Pool) => Promise<void>,
): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await asAdmin(`create database ${name} ${template}`);
  const url = Object.assign(new URL(inject('postgresUrl')), { pathname: `/${name}` }).href;
  const pool = openPool({ url, log: console.error });
  const drop: TestDatabase['drop'] = async (left) => {
    try {
      if (left === undefined) await check(pool);
    } finally {
      await pool.end();
      await asAdmin(`drop database ${name} with (force)`);
    }
  };
  return { url, pool, db: openDatabase(pool), drop };
}

async function asAdmin(statement: string): Promise<void> {
  const pool = openPool({ url: inject('postgresUrl'), max: 1, log: console.error });
  try {
    await pool.query(statement);
  } finally {
    await pool.end();
  }
}
