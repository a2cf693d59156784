import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventParser } from '../../src/events/parse-event.ts';
import { closeDuePeriods } from '../../src/invoicing/close-periods.ts';
import { eventRecorder } from '../../src/metering/record-events.ts';
import { rebuildSeries } from '../../src/metering/series/rebuild-series.ts';
import { proveSample, sealInvoiced } from '../../src/service/prove.ts';
import { dumpTables } from '../http/support/dump.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { reporter } from '../support/reports.ts';

const now = new Date('2026-04-01T00:00:00Z');
const ACCOUNTS = ['acme', 'beta'];
let database: TestDatabase;

beforeAll(async () => {
  database = await freshDatabase();
  const record = eventRecorder({ db: database.db, parse: eventParser(1000) });
  for (const account of ACCOUNTS) {
    const say = reporter();
    const web = { account, app: 'web' };
    const start = '2026-01-01T00:00:00Z';
    await record(now, [
      say('account.created', start, { account, email: 'o@acme.example' }),
      say('account.upgraded', '2026-01-05T00:00:00Z', { account }),
      say('app.deployed', start, { ...web, replicas: 1, size: 1 }),
      say('database.available', start, { ...web, database: 'db', size: 0.6 }),
      say('job.started', '2026-01-31T23:58:00Z', { ...web, job: 'nightly', size: 2 }),
      say('app.scaled', '2026-01-20T00:00:00Z', { ...web, replicas: 9, size: 1 }),
    ]);
    await close('2026-02-01T00:00:00Z');
    await record(now, [
      say('app.scaled', '2026-01-10T00:00:00Z', { ...web, replicas: 3, size: 0.5 }),
      say('database.resized', '2026-01-25T00:00:00Z', { account, database: 'db', size: 4 }),
      say('event.superseded', '2026-02-02T00:00:00Z', {
        account,
        superseded_source: 'controller',
        superseded_id: 'e-6',
        actor: 'ops',
        reason: 'another app',
      }),
    ]);
    await close('2026-03-01T00:00:00Z');
  }
  await sealInvoiced(database.db);
});
// What a test tampers with stays so.
afterAll(async () => await database.drop({ isBroken: true }));

async function close(until: string): Promise<void> {
  await closeDuePeriods(database.db, new Date(until), {
    graceSeconds: 0n,
    onFailure: (_account, error) => {
      throw error;
    },
  });
}

const log = pino({ level: 'silent' });

async function openDrift() {
  const rows = await database.db
    .selectFrom('drift')
    .select(['account_id', 'kind', 'details'])
    .execute();
  return rows;
}

test('a rebuild leaves series, invoices and all else as they were, byte for byte', async () => {
  const before = await dumpTables(database.db);
  expect(before.series).toMatch(/^8 rows/);
  expect(before.job).not.toMatch(/^0 rows/);
  expect(await rebuildSeries(database.db, ACCOUNTS, false)).toEqual([]);
  const after = await dumpTables(database.db);
  // Integrals are kept at some more instants.
  expect(after).toEqual({ ...before, checkpoint: expect.any(String) });
  expect(await rebuildSeries(database.db, ACCOUNTS, false)).toEqual([]);
  expect(await dumpTables(database.db)).toEqual(after);
});

test('derived rows that are gone are made again, byte for byte', async () => {
  const before = await dumpTables(database.db);
  for (const table of ['series', 'checkpoint', 'job', 'database_app']) {
    await database.pool.query(`delete from ${table}`);
  }
  expect(await rebuildSeries(database.db, ACCOUNTS, false)).not.toEqual([]);
  expect(await dumpTables(database.db)).toEqual(before);
});

test('the latest cut, before which facts change checkpoints too, is found again', async () => {
  const before = await dumpTables(database.db);
  await database.pool.query('update account set last_cut_at = signed_up_at');
  await rebuildSeries(database.db, ACCOUNTS, false);
  expect(await dumpTables(database.db)).toEqual(before);
});

test('every night a sample is proven: nothing is changed or reported of what is right', async () => {
  const before = await dumpTables(database.db);
  await proveSample(database.db, now, log);
  expect(await dumpTables(database.db)).toEqual(before);
});

test('what is not proven is an open difference that names the account and what is wrong', async () => {
  const { pool, db } = database;
  await pool.query(`update series set offset_units = offset_units + 5
    where account_id = 'acme' and meter = 'app'`);
  const client = await pool.connect();
  await client.query(`set session_replication_role = replica;
    update event set level = 40 where account_id = 'beta' and event_id = 'e-7'`);
  client.release(true);
  await proveSample(db, now, log);
  await proveSample(db, now, log);
  expect(
    (await openDrift()).toSorted((a, b) => (a.account_id < b.account_id ? -1 : 1)),
  ).toMatchObject([
    {
      account_id: 'acme',
      kind: 'not_proven',
      details: { chain_breaks: 0, derived_differences: 1 },
    },
    { account_id: 'beta', kind: 'not_proven', details: { chain_breaks: 1 } },
  ]);
});
