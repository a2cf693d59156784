import { appendFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  archiveMonths,
  checkMonth,
  writeMonth,
  type Archived,
} from '../../src/archive/archive-months.ts';
import { dropMonth } from '../../src/archive/drop-month.ts';
import { archivedReader } from '../../src/archive/files/read-archived.ts';
import { listMonths } from '../../src/archive/list-months.ts';
import { restoreMonth } from '../../src/archive/restore-month.ts';
import { verifyArchive } from '../../src/archive/verify-archive.ts';
import type { Db } from '../../src/database/pool.ts';
import { eventParser } from '../../src/events/parse-event.ts';
import { traceEvent } from '../../src/invoicing/explaining/trace-event.ts';
import { prepareMonths } from '../../src/metering/months.ts';
import { eventRecorder } from '../../src/metering/record-events.ts';
import { reviewParked } from '../../src/metering/review-parked.ts';
import { rebuildSeries } from '../../src/metering/series/rebuild-series.ts';
import { usageOf } from '../../src/metering/usage/usage-store.ts';
import { makeBundle } from '../../src/proof/bundle.ts';
import { sealEvents } from '../../src/proof/seal-events.ts';
import { verifyAccount } from '../../src/proof/verify-account.ts';
import { dumpTables } from '../http/support/dump.ts';
import { archiveFolder, closeAll, live } from '../support/archives.ts';
import { worldOf, type TestDatabase } from '../support/database.ts';
import { reporter } from '../support/reports.ts';

const parse = eventParser(1000);
const OTHER = 'Ünï "☃"';
const now = new Date('2026-06-15T00:00:00Z');
const second = (time: string): bigint => BigInt(Date.parse(time)) / 1000n;
const endOfMonth = (time: string): bigint => {
  const [year, number] = time.split('-').map(Number);
  return BigInt(Date.UTC(year!, number!)) / 1000n - 1n;
};
let world: Awaited<ReturnType<typeof worldOf>>;
let database: TestDatabase;
let folder: string;
let isBroken: boolean;

beforeAll(async () => {
  world = await worldOf(async ({ db }) => await liveTwoYears(db));
});
afterAll(async () => await world.drop());
beforeEach(async () => {
  isBroken = false;
  database = await world.copy();
  folder = await archiveFolder();
});
afterEach(async () => {
  await rm(folder, { recursive: true });
  await database.drop(isBroken ? { isBroken } : undefined);
});

/** Two accounts of two years: an app scaled every ten days, its database, and a nightly job now and then. */
async function liveTwoYears(db: Db): Promise<void> {
  for (const account of ['acme', OTHER]) {
    const say = reporter();
    const reports = [
      say('account.created', '2024-06-10T00:00:00Z', { account, email: 'o@acme.example' }),
      say('account.upgraded', '2024-06-10T00:00:00Z', { account }),
      say('app.deployed', '2024-06-10T00:00:00Z', { account, app: 'web', replicas: 1, size: 1 }),
      say('database.available', '2024-06-11T00:00:00Z', {
        account,
        app: 'web',
        database: 'db',
        size: 0.6,
      }),
    ];
    for (let day = 0; day < 700; day += 10) {
      const time = new Date(Date.UTC(2024, 5, 12 + day)).toISOString();
      reports.push(
        say('app.scaled', time, { account, app: 'web', replicas: 1 + (day % 3), size: 0.5 }),
        say('job.started', time, { account, app: 'web', job: `nightly-${day}`, size: 0.5 }),
        say('database.rows_observed', time, { account, database: 'db', rows: day }),
      );
    }
    await live(
      db,
      reports.map((report) => ({ report, at: endOfMonth(report.time) })),
    );
  }
  await closeAll(db, second(now.toISOString()));
}

async function archive(before: string): Promise<Archived[]> {
  const archived: Archived[] = [];
  const onMonth = (one: Archived): void => void archived.push(one);
  await archiveMonths(database.db, now, { before, directory: folder, onMonth });
  return archived;
}

const record = async (...reports: readonly unknown[]) =>
  await eventRecorder({ db: database.db, parse })(now, reports);
const month = async (name: string) =>
  (await listMonths(database.db)).find((one) => one.month === name);

test('whole months leave, once, and what is still asked for stays', async () => {
  for (const account of ['acme', OTHER]) await sealEvents(database.db, account);
  const before = await dumpTables(database.db);
  const archived = await archive('2025-03');
  expect(archived.map((one) => one.month)).toEqual([
    '2024-06',
    '2024-07',
    '2024-08',
    '2024-09',
    '2024-10',
    '2024-11',
    '2024-12',
    '2025-01',
    '2025-02',
  ]);
  // Sign-ups, upgrades and the databases' apps: the levels of June were replaced by later ones.
  expect(archived[0]).toMatchObject({ rows: 20, accounts: 2, carried: 6 });
  expect(archived[1]).toMatchObject({ rows: 18, carried: 0 });
  expect(await month('2024-07')).toMatchObject({ state: 'archived', rows: 18n, carried: 0n });
  expect(await month('2025-03')).toMatchObject({ state: 'live', file: null });
  expect(await archive('2025-03')).toEqual([]);
  await prepareMonths(database.db, now);
  expect(await month('2024-07')).toMatchObject({ state: 'archived' });
  const after = await dumpTables(database.db);
  for (const table of ['event_identity', 'invoice', 'invoice_line', 'series', 'database_app']) {
    expect(after[table], table).toBe(before[table]);
  }
  expect(await rebuildSeries(database.db, ['acme', OTHER], false)).toEqual([]);
});

test('a month that bills may still depend on is refused, with what to do, and nothing changes', async () => {
  await expect(archive('2025-06')).rejects.toThrow(
    /^2025-05 is still needed: facts from 2025-05-10T00:00:00Z on .* archive months before 2025-05/,
  );
  await expect(archive('2026-07')).rejects.toThrow(/must not be after the present month, 2026-06/);
  await database.pool.query(`update account set next_close_at = next_close_at - 86400 * 365
    where account_id = 'acme'`);
  isBroken = true;
  await expect(archive('2025-01')).rejects.toThrow(/close the periods that are due first/);
  expect((await listMonths(database.db)).map(({ state }) => state)).not.toContain('archived');
});

test('a file with one other byte is found, and nothing is dropped by it or read from it', async () => {
  await archive('2024-08');
  const [june] = await database.db.selectFrom('archived_month').selectAll().execute();
  const file = path.join(folder, june!.file);
  const bytes = await readFile(file);
  expect((await verifyArchive(database.db, folder)).map(({ damage }) => damage)).toEqual([
    undefined,
    undefined,
  ]);
  for (const at of [20, bytes.length - 20, bytes.length - 3]) {
    const changed = Buffer.from(bytes);
    changed[at]! ^= 1;
    await writeFile(file, changed);
    const [checked] = await verifyArchive(database.db, folder);
    expect(checked).toMatchObject({ month: june!.month, damage: expect.any(String) });
    await expect(restoreMonth(database.db, june!.month, folder)).rejects.toThrow(
      /is not the file of/,
    );
    await expect(archivedReader(database.db, folder)).rejects.toThrow(/is not the file of/);
  }
  await rm(file);
  expect((await verifyArchive(database.db, folder))[0]).toMatchObject({
    damage: expect.stringContaining('cannot be read'),
  });
});

test('what was left by a run that was killed does not keep the next one from its work', async () => {
  // Written in part; then whole, with another month of that name; then the same once more.
  await writeFile(path.join(folder, 'events-2024-06.partial'), 'cut off');
  const first = await writeMonth(database.db, '2024-06', folder);
  await appendFile(path.join(folder, first.file), 'cut off');
  expect(await month('2024-06')).toMatchObject({ state: 'live' });
  const [june] = await archive('2024-07');
  expect(june).toMatchObject({ file: first.file, file_sha256: first.file_sha256 });
  expect(await verifyArchive(database.db, folder)).toEqual([
    { file: first.file, month: '2024-06', damage: undefined },
  ]);
  expect((await readdir(folder)).filter((name) => name.endsWith('.partial'))).toEqual([]);
});

test('a file that is not what was written is found before anything is dropped', async () => {
  const written = await writeMonth(database.db, '2024-06', folder);
  await checkMonth(database.db, written, folder);
  const file = path.join(folder, written.file);
  const bytes = await readFile(file);
  bytes[bytes.length >> 1]! ^= 1;
  await writeFile(file, bytes);
  await expect(checkMonth(database.db, written, folder)).rejects.toMatchObject({
    code: 'archive_damaged',
    message: expect.stringContaining('nothing of 2024-06 was dropped'),
  });
  await database.pool.query(`update event set details = '{"rows": 1, "database": "db"}'
    where event_id = 'e-7' and account_id = 'acme'`);
  bytes[bytes.length >> 1]! ^= 1;
  await writeFile(file, bytes);
  await expect(checkMonth(database.db, written, folder)).rejects.toMatchObject({
    code: 'month_changed',
  });
  expect(await month('2024-06')).toMatchObject({ state: 'live' });
});

test('a month that is not what was written is not dropped', async () => {
  const written = await writeMonth(database.db, '2024-06', folder);
  await expect(dropMonth(database.db, now, { ...written, rows: written.rows + 1 })).rejects.toThrow(
    /has 20 events now instead of 21: archive it again/,
  );
  expect(await month('2024-06')).toMatchObject({ state: 'live' });
});

test('a month comes back as it was, once, and counts as before', async () => {
  const events = async (): Promise<unknown[]> =>
    (await sql`select * from event order by account_id, recording, event_id`.execute(database.db))
      .rows;
  const before = await events();
  await archive('2024-09');
  expect((await events()).length).toBeLessThan(before.length);
  expect(await restoreMonth(database.db, '2024-07', folder)).toBe(18n);
  expect(await restoreMonth(database.db, '2024-07', folder)).toBe(0n);
  expect(await month('2024-07')).toMatchObject({ state: 'live' });
  for (const name of ['2024-06', '2024-08']) await restoreMonth(database.db, name, folder);
  expect(await events()).toEqual(before);
  expect(await database.db.selectFrom('series_base').selectAll().execute()).toEqual([]);
  expect(await rebuildSeries(database.db, ['acme'], false)).toEqual([]);
  expect(await archive('2024-09')).toHaveLength(3);
});

test('facts of settled time are recorded and reported, count nowhere, and supersede nothing', async () => {
  await archive('2025-03');
  const whole = {
    account: 'acme',
    from: second('2024-06-10T00:00:00Z'),
    to: second('2027-01-01T00:00:00Z'),
  };
  const before = await usageOf(database.db, [whole]);
  const say = reporter('late');
  const web = { account: 'acme', app: 'web' };
  const outcomes = await record(
    say('app.scaled', '2024-08-01T00:00:00Z', { ...web, replicas: 900, size: 16 }),
    say('database.deleted', '2024-06-10T12:00:00Z', { account: 'acme', database: 'db' }),
    say('job.started', '2024-06-11T00:00:00Z', { ...web, job: 'nightly-0', size: 16 }),
    say('job.finished', '2024-06-12T00:00:01Z', { ...web, job: 'nightly-0' }),
  );
  expect(outcomes.map(({ status }) => status)).toEqual(Array(4).fill('recorded'));
  const wrong = (id: string) =>
    say('event.superseded', now.toISOString(), {
      account: 'acme',
      superseded_source: 'controller',
      superseded_id: id,
      actor: 'ops',
      reason: 'x',
    });
  // Gone with its month; and of a job that stays as it is.
  for (const outcome of await record(wrong('e-5'), wrong('e-6'))) {
    expect(outcome).toMatchObject({ status: 'refused', refusal: { code: 'event_archived' } });
  }
  // A repeat of what is archived is one.
  const again = reporter();
  for (let id = 1; id < 5; id += 1) again('', '', {});
  expect(
    await record(
      again('app.scaled', '2024-06-12T00:00:00.000Z', { ...web, replicas: 1, size: 0.5 }),
    ),
  ).toMatchObject([{ status: 'duplicate' }]);
  expect(await usageOf(database.db, [whole])).toEqual(before);
  expect(await rebuildSeries(database.db, ['acme'], false)).toEqual([]);
  await reviewParked({ db: database.db, parse }, now);
  await closeAll(database.db, second('2026-07-10T00:00:00Z'));
  const { rows } = await sql<{ kind: string }>`select kind from signal where account_id = 'acme'
    and kind = 'account.facts_too_late'`.execute(database.db);
  expect(rows).toHaveLength(1);
});

test('usage of whole periods is told for ever; what only archived events could tell is refused, not guessed', async () => {
  const period = { from: second('2024-07-10T00:00:00Z'), to: second('2024-08-10T00:00:00Z') };
  const before = await usageOf(database.db, [{ account: 'acme', ...period }]);
  await archive('2025-03');
  expect(await usageOf(database.db, [{ account: 'acme', ...period }])).toEqual(before);
  await expect(
    usageOf(database.db, [{ account: 'acme', from: period.from, to: period.to - 1n }]),
  ).rejects.toMatchObject({ kind: 'conflict', code: 'usage_archived' });
});

test('invoices are proven as far as facts are there, and whole with the files', async () => {
  await archive('2025-03');
  expect(await verifyAccount(database.db, 'acme')).toMatchObject({
    breaks: [],
    discrepancies: [],
    invoices: 24,
    archivedInvoices: 11,
  });
  const read = await archivedReader(database.db, folder);
  for (const account of ['acme', OTHER, 'acme']) {
    expect(await verifyAccount(database.db, account, read)).toMatchObject({
      breaks: [],
      discrepancies: [],
      archivedInvoices: 0,
    });
  }
  const invoice = (
    await database.db
      .selectFrom('invoice')
      .selectAll()
      .where('account_id', '=', 'acme')
      .orderBy('period_start')
      .execute()
  )[1]!;
  await expect(makeBundle(database.db, 'acme', invoice.invoice_id)).rejects.toMatchObject({
    code: 'facts_archived',
  });
  const bundle = await makeBundle(database.db, 'acme', invoice.invoice_id, read);
  expect(bundle.events).toHaveLength(bundle.links.length);
  expect(
    await traceEvent(database.db, { account: 'acme', source: 'controller', id: 'e-5' }),
  ).toMatchObject({
    recorded: undefined,
    archived: { month: '2024-06', file: expect.stringContaining('events-2024-06') },
  });
});

test('an event that is missing, changed, or taken for an archived one is found and named', async () => {
  isBroken = true;
  await archive('2025-03');
  await sealEvents(database.db, 'acme');
  const tamper = async (statement: string): Promise<void> => {
    const client = await database.pool.connect();
    await client.query(`set session_replication_role = replica; ${statement}`);
    client.release(true);
  };
  const breaks = async () => (await verifyAccount(database.db, 'acme')).breaks;
  await tamper(`update event set level = 40 where account_id = 'acme' and event_id = 'e-200'`);
  expect(await breaks()).toMatchObject([{ kind: 'changed', event: { id: 'e-200' } }]);
  await tamper(`delete from event where account_id = 'acme' and event_id = 'e-200'`);
  expect(await breaks()).toMatchObject([{ kind: 'missing', event: { id: 'e-200' } }]);
  // It stayed when its month left.
  await tamper(`delete from event where account_id = 'acme' and type = 'account.upgraded'`);
  expect((await breaks()).map(({ kind }) => kind)).toEqual(['missing', 'missing']);
});
