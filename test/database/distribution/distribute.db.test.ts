import { rm } from 'node:fs/promises';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { distribute } from '../../../src/database/distribution/distribute.ts';
import { DISTRIBUTED } from '../../../src/database/distribution/plan.ts';
import { migrate } from '../../../src/database/migrate.ts';
import { openPool, withSettings } from '../../../src/database/pool.ts';
import { prepareMonths } from '../../../src/metering/months.ts';
import { gigameter } from '../../support/command.ts';
import { freshDatabase, type TestDatabase } from '../../support/database.ts';
import { until } from '../../support/until.ts';
import { makeStandIn } from './stand-in.ts';

/** All of this runs on a stand-in for Citus: see there what that can hold. */
let standIn: string;
let database: TestDatabase;
let pool: pg.Pool;
beforeAll(async () => {
  standIn = await makeStandIn();
});
afterAll(async () => await rm(standIn, { recursive: true }));
beforeEach(async () => {
  database = await freshDatabase();
  pool = openStandIn('gigameter migrate');
});
afterEach(async () => {
  await pool.end();
  await database.drop();
});

function openStandIn(applicationName: string): pg.Pool {
  return openPool({ url: standInUrl(), applicationName, max: 2, log: console.error });
}

function standInUrl(): string {
  return withSettings(database.url, { extension_control_path: `${standIn}:$system` });
}

/** Ends those of the test itself, which are named as the service's. */
async function endSessions(): Promise<void> {
  const clients = await Promise.all(
    Array.from({ length: database.pool.idleCount }, async () => await database.pool.connect()),
  );
  for (const client of clients) client.release(true);
  await until('its sessions are gone', async () => {
    const { rows } = await pool.query(
      `select from pg_stat_activity where datname = current_database() and application_name = 'gigameter'`,
    );
    return rows.length === 0;
  });
}

async function distributed(): Promise<readonly { table: string; colocated: string }[]> {
  const { rows } = await pool.query<{ table: string; colocated: string }>(
    `select logicalrelid::text as table, colocated from pg_dist_partition order by turn`,
  );
  return rows;
}

test('every table of accounts moves, beside account, those referred to first', async () => {
  expect(await distribute(pool)).toEqual(DISTRIBUTED);
  const rows = await distributed();
  const parents = rows.map(({ table }) => table).filter((table) => !table.startsWith('event_of_'));
  expect(parents).toEqual(DISTRIBUTED);
  expect(rows.filter(({ colocated }) => colocated !== 'account')).toEqual([
    { table: 'account', colocated: 'none' },
  ]);
  const { rows: copied } = await pool.query('select from truncated');
  expect(copied).toHaveLength(DISTRIBUTED.length);
});

test('months that were made before move with event', async () => {
  await prepareMonths(database.db, new Date('2026-11-05T00:00:00Z'));
  await endSessions();
  await distribute(pool);
  const names = (await distributed()).map(({ table }) => table);
  expect(names).toEqual(expect.arrayContaining(['event_of_2026_11', 'event_of_other_months']));
});

test('a second run moves nothing, one that was cut off goes on', async () => {
  await distribute(pool);
  expect(await distribute(pool)).toEqual([]);
  await pool.query(
    `delete from pg_dist_partition where logicalrelid in ('series'::regclass, 'violation'::regclass)`,
  );
  expect(await distribute(pool)).toEqual(['series', 'violation']);
});

test('a table that a later migration makes follows by itself', async () => {
  await distribute(pool);
  await pool.query(`delete from pg_dist_partition where logicalrelid = 'job'::regclass`);
  await migrate(pool);
  expect((await distributed()).at(-1)).toEqual({ table: 'job', colocated: 'account' });
});

test('sessions begin with what row-level security needs there', async () => {
  await distribute(pool);
  const fresh = openStandIn('gigameter');
  try {
    const { rows } = await fresh.query<{ value: string }>(
      `select current_setting('citus.propagate_set_commands') as value`,
    );
    expect(rows).toEqual([{ value: 'local' }]);
  } finally {
    await fresh.end();
  }
});

test('while the service runs nothing is touched, and the error says what to do', async () => {
  const service = openStandIn('gigameter');
  try {
    await service.query('select 1');
    await expect(distribute(pool)).rejects.toMatchObject({
      code: 'database_in_use',
      message:
        '1 sessions of gigameter use this database. Stop the service in every place, then run this again.',
    });
  } finally {
    await service.end();
  }
  expect((await pool.query(`select from pg_extension where extname = 'citus'`)).rows).toEqual([]);
});

test('a table that Citus refuses is named, and the next run goes on from there', async () => {
  await pool.query('create unique index wrong on job (job)');
  await expect(distribute(pool)).rejects.toMatchObject({
    code: 'not_distributed',
    message: expect.stringContaining(
      'The table job could not be distributed: cannot create',
    ) as string,
  });
  await pool.query('drop index wrong');
  expect((await distribute(pool))[0]).toBe('job');
});

test('the command says what it did', async () => {
  const settings = { DATABASE_URL: standInUrl() };
  const first = await gigameter(['migrate', '--distribute', '--json'], settings);
  expect(first.stderr).toBe('');
  expect(JSON.parse(first.stdout)).toEqual({ applied: [], distributed: DISTRIBUTED });
  const second = await gigameter(['migrate', '--distribute'], settings);
  expect(second).toEqual({
    code: 0,
    stderr: '',
    stdout: 'The schema is up to date.\nAll tables of accounts are distributed.\n',
  });
});

test('without the extension the command says what to install, and changes nothing', async () => {
  const schema = `select table_name, column_name from information_schema.columns order by 1, 2`;
  const before = (await pool.query(schema)).rows;
  const { code, stdout, stderr } = await gigameter(['migrate', '--distribute'], {
    DATABASE_URL: database.url,
  });
  expect({ code, stdout }).toEqual({ code: 7, stdout: '' });
  expect(stderr).toContain('this PostgreSQL has no extension "citus"');
  expect(stderr).toContain('shared_preload_libraries');
  expect((await pool.query(schema)).rows).toEqual(before);
  expect(
    (await pool.query(`select from pg_constraint where conname = 'login_account_id_fkey'`)).rows,
  ).toHaveLength(1);
});
