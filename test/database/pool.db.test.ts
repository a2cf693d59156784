import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase, openPool } from '../../src/database/pool.ts';
import { isDatabaseUnavailable } from '../../src/database/unavailable.ts';
import { emptyDatabase, type TestDatabase } from '../support/database.ts';
import { until } from '../support/until.ts';

let database: TestDatabase;
beforeAll(async () => (database = await emptyDatabase()));
afterAll(async () => await database.drop());

test('no value loses precision on its way out of the database', async () => {
  const { rows } = await database.pool.query(`select
    9223372036854775807::int8 as int8, count(*) as count,
    123456789012345678901234.5::numeric as numeric,
    date '2024-02-29' as date,
    timestamptz '2024-03-01 00:30:00+02' as timestamptz,
    array[9007199254740993, null]::int8[] as int8s, '{}'::int8[] as no_int8s,
    array[0.1000000000000000055]::numeric[] as numerics,
    array[date '2024-02-29'] as dates`);
  expect(rows).toEqual([
    {
      int8: 9_223_372_036_854_775_807n,
      count: 1n,
      numeric: '123456789012345678901234.5',
      date: '2024-02-29',
      timestamptz: new Date('2024-02-29T22:30:00Z'),
      int8s: [9_007_199_254_740_993n, null],
      no_int8s: [],
      numerics: ['0.1000000000000000055'],
      dates: ['2024-02-29'],
    },
  ]);
});

test('a bigint goes in as it came out', async () => {
  const n = 9_223_372_036_854_775_807n;
  const { rows } = await database.pool.query('select $1::int8 as n', [n]);
  expect(rows).toEqual([{ n }]);
});

test('sessions run in UTC and keep the search path, settings of the URL included', async () => {
  const url = `${database.url}?options=-c%20work_mem%3D7MB%20-c%20timezone%3DAsia/Tokyo`;
  const pool = openPool({ url, applicationName: 'a test', statementTimeoutMs: 60_000, log });
  const { rows } = await pool.query(`select current_setting('timezone') as timezone,
    current_setting('search_path') as search_path, current_setting('work_mem') as work_mem,
    current_setting('statement_timeout') as statement_timeout,
    current_setting('application_name') as application_name`);
  expect(rows).toEqual([
    {
      timezone: 'UTC',
      search_path: '"$user", public',
      work_mem: '7MB',
      statement_timeout: '1min',
      application_name: 'a test',
    },
  ]);
  await pool.end();
});

test('a connection that breaks between two queries of a transaction fails the next one, and the process lives', async () => {
  const pool = openPool({ url: database.url, max: 1, log });
  const client = await pool.connect();
  await client.query('begin');
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  const broken = new Promise((resolve) => client.once('end', resolve));
  await database.pool.query('select pg_terminate_backend($1)', [rows[0]!.pid]);
  await broken;
  await expect(client.query('select 1')).rejects.toSatisfy(isDatabaseUnavailable);
  client.release(true);
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  await pool.end();
});

test('a statement over its time is cancelled', async () => {
  const pool = openPool({ url: database.url, statementTimeoutMs: 50, log });
  await expect(pool.query('select pg_sleep(20)')).rejects.toMatchObject({ code: '57014' });
  await pool.end();
});

test('an idle connection that breaks is reported and replaced', async () => {
  const reports: string[] = [];
  const pool = openPool({
    url: database.url,
    max: 1,
    log: (message, error) => reports.push(`${message}: ${error.message}`),
  });
  const { rows } = await pool.query<{ pid: number }>('select pg_backend_pid() as pid');
  await database.pool.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
  await until('the loss is reported', () => reports.length > 0);
  expect(reports[0]).toMatch(/an idle database connection broke: terminating connection/);
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  await pool.end();
});

test('a marked statement is prepared under its name, whoever sends it, and parsed once', async () => {
  const pool = openPool({ url: database.url, max: 1, log });
  const db = openDatabase(pool);
  const run = async (n: number): Promise<unknown> =>
    (await sql<{ n: number }>`/* prepare add_one */ select ${n}::int + 1 as n`.execute(db)).rows;
  expect(await run(1)).toEqual([{ n: 2 }]);
  expect(await run(2)).toEqual([{ n: 3 }]);
  await db.transaction().execute(async (trx) => {
    const { rows } = await sql`/* prepare add_one */ select ${5}::int + 1 as n`.execute(trx);
    expect(rows).toEqual([{ n: 6 }]);
  });
  // As templates are written: the mark stands on a line of its own.
  await sql`
    /* prepare on_a_line */
    select 1`.execute(db);
  await pool.query('/* prepare plain */ select 1');
  const { rows } = await pool.query(
    'select name, generic_plans + custom_plans as runs from pg_prepared_statements order by name',
  );
  expect(rows).toEqual([
    { name: 'add_one', runs: 3n },
    { name: 'on_a_line', runs: 1n },
    { name: 'plain', runs: 1n },
  ]);
  await pool.end();
});

test('one statement name with two texts is refused', async () => {
  const pool = openPool({ url: database.url, max: 1, log });
  await pool.query('/* prepare twice */ select 1');
  await expect(pool.query('/* prepare twice */ select 2')).rejects.toThrow(
    "Prepared statements must be unique - 'twice' was used for a different statement",
  );
  await pool.end();
});

test('a malformed URL is refused without repeating its password', () => {
  const open = (): unknown => openPool({ url: 'postgres//me:s3cret@host', log });
  expect(open).toThrow('The database URL is not of the form');
  expect(open).not.toThrow('s3cret');
});

function log(message: string, error: Error): void {
  console.error(message, error);
}
