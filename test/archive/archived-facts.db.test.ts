import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { archivedReader } from '../../src/archive/files/read-archived.ts';
import { listMonths } from '../../src/archive/list-months.ts';
import { restoreMonth } from '../../src/archive/restore-month.ts';
import { eventParser } from '../../src/events/parse-event.ts';
import { traceEvent } from '../../src/invoicing/explaining/trace-event.ts';
import { eventRecorder } from '../../src/metering/record-events.ts';
import { reviewParked } from '../../src/metering/review-parked.ts';
import { rebuildSeries } from '../../src/metering/series/rebuild-series.ts';
import { usageOf } from '../../src/metering/usage/usage-store.ts';
import { sealEvents } from '../../src/proof/seal-events.ts';
import { verifyAccount } from '../../src/proof/verify-account.ts';
import { toSecond } from '../../src/values/instant.ts';
import { bundleOf, provenByScript } from '../support/bundles.ts';
import { reporter } from '../support/reports.ts';
import { ARCHIVE_NOW as now, archiveWorld, closeAll, live, OTHER } from '../support/archives.ts';

const world = archiveWorld();
const db = () => world.database().db;
const parse = eventParser(1000);
const second = (time: string): bigint => BigInt(Date.parse(time)) / 1000n;
const record = async (...reports: readonly unknown[]) =>
  await eventRecorder({ db: db(), parse })(now, reports);

test('facts of settled time are recorded and reported, count nowhere, and supersede nothing', async () => {
  await world.archive('2025-03');
  const whole = {
    account: 'acme',
    from: second('2024-06-10T00:00:00Z'),
    to: second('2027-01-01T00:00:00Z'),
  };
  const before = await usageOf(db(), [whole]);
  const say = reporter('late');
  const web = { account: 'acme', app: 'web' };
  const outcomes = await record(
    say('app.scaled', '2024-08-01T00:00:00Z', { ...web, replicas: 900, size: 16 }),
    say('database.deleted', '2024-06-10T12:00:00Z', { account: 'acme', database: 'db' }),
    say('job.started', '2024-06-11T00:00:00Z', { ...web, job: 'nightly-0', size: 16 }),
    say('job.finished', '2024-06-12T00:00:01Z', { ...web, job: 'nightly-0' }),
  );
  expect(outcomes.map(({ status }) => status)).toEqual(Array(4).fill('recorded'));
  expect(await traceEvent(db(), { account: 'acme', source: 'late', id: 'e-1' })).toMatchObject({
    recorded: { isTooLate: true, billing: 'not_charged' },
  });
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
  expect(await usageOf(db(), [whole])).toEqual(before);
  expect(await rebuildSeries(db(), ['acme'], false)).toEqual([]);
  await reviewParked({ db: db(), parse }, now);
  await closeAll(db(), second('2026-07-10T00:00:00Z'));
  const { rows } = await sql<{ kind: string }>`select kind from signal where account_id = 'acme'
    and kind = 'account.facts_too_late'`.execute(db());
  expect(rows).toHaveLength(1);
});

test('a deleted account is settled whole once no correction reaches back to it, and its events leave', async () => {
  const gone = { account: 'gone' };
  const say = reporter();
  const scaled = Array.from({ length: 12 }, (_, n) =>
    say('app.scaled', `2024-${n < 6 ? '08' : '11'}-${10 + n}T00:00:00Z`, {
      ...gone,
      app: 'web',
      replicas: 1 + (n % 2),
      size: 1,
    }),
  );
  const reports = [
    say('account.created', '2024-07-01T00:00:00Z', { ...gone, email: 'o@gone.example' }),
    say('account.upgraded', '2024-07-01T00:00:00Z', gone),
    ...scaled,
    say('account.deleted', '2024-12-20T00:00:00Z', gone),
  ];
  await live(
    db(),
    reports.map((report) => ({ at: second(report.time) + 1n, report })),
  );
  await closeAll(db(), toSecond(now));
  const whole = [
    { ...gone, from: second('2024-07-01T00:00:00Z'), to: second('2024-12-20T00:00:00Z') },
  ];
  const before = await usageOf(db(), whole);
  const billed = await invoicesOf('gone');
  expect(billed).toHaveLength(6);
  await world.archive('2025-03');
  const { rows } = await sql<{ type: string; at: bigint }>`
    select type, at from event where account_id = 'gone' order by at, type`.execute(db());
  expect(rows).toEqual([
    { type: 'account.created', at: second('2024-07-01T00:00:00Z') },
    { type: 'account.upgraded', at: second('2024-07-01T00:00:00Z') },
    { type: 'app.scaled', at: second('2024-11-20T00:00:00Z') },
    { type: 'app.scaled', at: second('2024-11-21T00:00:00Z') },
    { type: 'account.deleted', at: second('2024-12-20T00:00:00Z') },
  ]);
  const late = { ...gone, app: 'web', replicas: 900, size: 16 };
  await record(reporter('late')('app.scaled', '2024-11-11T00:00:00Z', late));
  await closeAll(db(), second('2026-08-01T00:00:00Z'));
  expect(await usageOf(db(), whole)).toEqual(before);
  expect(await invoicesOf('gone')).toEqual(billed);
  expect(await rebuildSeries(db(), ['gone'], false)).toEqual([]);
  await sealEvents(db(), 'gone');
  const read = await archivedReader(db(), world.folder());
  expect(await verifyAccount(db(), 'gone', read)).toMatchObject({ breaks: [], discrepancies: [] });
});

async function invoicesOf(account: string) {
  return await db()
    .selectFrom('invoice')
    .select(['period_start', 'total_cents'])
    .where('account_id', '=', account)
    .orderBy('period_start')
    .execute();
}

test('usage of whole periods is told for ever; what only archived events could tell is refused, not guessed', async () => {
  const period = { from: second('2024-07-10T00:00:00Z'), to: second('2024-08-10T00:00:00Z') };
  const before = await usageOf(db(), [{ account: 'acme', ...period }]);
  await world.archive('2025-03');
  expect(await usageOf(db(), [{ account: 'acme', ...period }])).toEqual(before);
  await expect(
    usageOf(db(), [{ account: 'acme', from: period.from, to: period.to - 1n }]),
  ).rejects.toMatchObject({ kind: 'conflict', code: 'usage_archived' });
});

test('invoices are proven as far as facts are there, and whole with the files', async () => {
  await world.archive('2025-03');
  expect(await verifyAccount(db(), 'acme')).toMatchObject({
    breaks: [],
    discrepancies: [],
    invoices: 24,
    archivedInvoices: 11,
  });
  const read = await archivedReader(db(), world.folder());
  for (const account of ['acme', OTHER, 'acme']) {
    expect(await verifyAccount(db(), account, read)).toMatchObject({
      breaks: [],
      discrepancies: [],
      archivedInvoices: 0,
    });
  }
  const invoice = (
    await db()
      .selectFrom('invoice')
      .selectAll()
      .where('account_id', '=', 'acme')
      .orderBy('period_start')
      .execute()
  )[1]!;
  await expect(bundleOf(db(), 'acme', invoice.invoice_id)).rejects.toMatchObject({
    code: 'facts_archived',
  });
  const bundle = await bundleOf(db(), 'acme', invoice.invoice_id, read);
  expect(provenByScript(bundle).stdout).toContain(`proven  ${invoice.invoice_id}`);
  expect(
    await traceEvent(db(), { account: 'acme', source: 'controller', id: 'e-5' }),
  ).toMatchObject({
    recorded: undefined,
    archived: { month: '2024-06', file: expect.stringContaining('events-2024-06') },
  });
});

test('an event that is missing, changed, or taken for an archived one is found and named', async () => {
  world.isBroken();
  await world.archive('2025-03');
  await sealEvents(db(), 'acme');
  const tamper = async (statement: string): Promise<void> => {
    const client = await world.database().pool.connect();
    await client.query(`set session_replication_role = replica; ${statement}`);
    client.release(true);
  };
  const breaks = async () => (await verifyAccount(db(), 'acme')).breaks;
  await tamper(`update event set level = 40 where account_id = 'acme' and event_id = 'e-200'`);
  expect(await breaks()).toMatchObject([{ kind: 'changed', event: { id: 'e-200' } }]);
  await tamper(`delete from event where account_id = 'acme' and event_id = 'e-200'`);
  expect(await breaks()).toMatchObject([{ kind: 'missing', event: { id: 'e-200' } }]);
  // It stayed when its month left.
  await tamper(`delete from event where account_id = 'acme' and type = 'account.upgraded'`);
  expect((await breaks()).map(({ kind }) => kind)).toEqual(['missing', 'missing']);
});

test('wrong reports of settled time had their part in where series begin and end; a rebuild finds that again', async () => {
  const say = reporter();
  const account = 'gamma';
  const web = { account, app: 'web' };
  const wrong = (id: string) =>
    say('event.superseded', '2024-06-20T00:00:00Z', {
      account,
      superseded_source: 'controller',
      superseded_id: id,
      actor: 'ops',
      reason: 'x',
    });
  const reports = [
    say('account.created', '2024-06-10T00:00:00Z', { account, email: 'o@gamma.example' }),
    say('account.upgraded', '2024-06-10T00:00:00Z', { account }),
    say('app.scaled', '2024-06-12T00:00:00Z', { ...web, replicas: 3, size: 1 }),
    say('app.deployed', '2024-06-14T00:00:00Z', { ...web, replicas: 1, size: 1 }),
    say('database.available', '2024-06-14T00:00:00Z', { ...web, database: 'db', size: 0.6 }),
    say('database.resized', '2024-06-15T00:00:00Z', { account, database: 'db', size: 4 }),
    say('job.started', '2024-06-14T00:00:00Z', { ...web, job: 'once', size: 1 }),
    say('job.started', '2024-06-16T00:00:00Z', { ...web, job: 'once', size: 1 }),
    ...['e-3', 'e-6'].map(wrong),
    say('app.scaled', '2025-01-02T00:00:00Z', { ...web, replicas: 2, size: 1 }),
    say('database.resized', '2025-01-02T00:00:00Z', { account, database: 'db', size: 1.7 }),
  ];
  await live(
    db(),
    reports.map((report) => ({ report, at: second(report.time) + 60n })),
  );
  await closeAll(db(), toSecond(now));
  const series = async () =>
    await db().selectFrom('series').selectAll().where('account_id', '=', account).execute();
  const before = await series();
  expect(await rebuildSeries(db(), [account], false)).toEqual([]);
  await world.archive('2025-03');
  expect(await world.month('2024-06')).toMatchObject({ state: 'archived' });
  expect(await series()).not.toEqual(before); // Of the job, the start that counts is known alone.
  expect(await rebuildSeries(db(), [account], false)).toEqual([]);
  for (const { month } of await listMonths(db())) await restoreMonth(db(), month, world.folder());
  expect(await series()).toEqual(before);
  expect(await rebuildSeries(db(), [account], false)).toEqual([]);
});
