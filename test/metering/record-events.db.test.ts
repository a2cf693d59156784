import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Outcome } from '../../src/events/outcome.ts';
import { eventParser } from '../../src/events/parse-event.ts';
import { eventRecorder, type RecordEvents } from '../../src/metering/record-events.ts';
import { usageOf } from '../../src/metering/usage/usage-store.ts';
import { formatSecond, toSecond } from '../../src/values/instant.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { reporter, type Report } from '../support/reports.ts';

const now = new Date('2026-03-01T00:00:00Z');
let database: TestDatabase;
let record: RecordEvents;

beforeAll(async () => {
  database = await freshDatabase();
  record = eventRecorder({ db: database.db, parse: eventParser(1000) });
});
afterAll(async () => await database.drop());

let accounts = 0;

/** An account of its own for each test, signed up on 1 January. */
function newAccount() {
  const account = `acme-${++accounts}`;
  const report = reporter(`controller-${account}`);
  const say = (type: string, time: string, data: object = {}): Report =>
    report(type, time, { account, ...data });
  const created = say('account.created', '2026-01-01T00:00:00Z', { email: 'a@acme.example' });
  const deployed = say('app.deployed', '2026-01-02T00:00:00Z', {
    app: 'web',
    replicas: 1,
    size: 0.5,
  });
  return { account, say, created, deployed };
}

async function rss(account: string, from: string, to: string): Promise<bigint> {
  const window = { account, from: toSecond(new Date(from)), to: toSecond(new Date(to)) };
  const [usage] = await usageOf(database.db, [window]);
  return usage!.apps.reduce((sum, { rssTenths }) => sum + rssTenths, 0n) / 10n;
}

const statuses = (outcomes: readonly Outcome[]) => outcomes.map(({ status }) => status);

async function quarantined(account: string) {
  return await database.db
    .selectFrom('quarantined_event')
    .select(['code', 'field', 'value', 'times_seen'])
    .where('account_id', '=', account)
    .orderBy('first_seen_at')
    .execute();
}

test('a repeated event is a duplicate, in the same batch and later, and counts once (R57)', async () => {
  const { account, created, deployed } = newAccount();
  expect(statuses(await record(now, [created, deployed, deployed]))).toEqual([
    'recorded',
    'recorded',
    'duplicate',
  ]);
  expect(statuses(await record(now, [deployed, created]))).toEqual(['duplicate', 'duplicate']);
  expect(await rss(account, '2026-01-02T00:00:00Z', '2026-01-03T00:00:00Z')).toBe(43_200n);
});

test('the same id with other content: the first stays, the second is quarantined (R57)', async () => {
  const { account, created, deployed } = newAccount();
  const other = { ...deployed, data: { ...deployed.data, replicas: 9 } };
  expect(statuses(await record(now, [created, deployed, other]))).toEqual([
    'recorded',
    'recorded',
    'refused',
  ]);
  expect(statuses(await record(now, [other]))).toEqual(['refused']);
  expect(await quarantined(account)).toEqual([
    { code: 'id_reused', field: 'id', value: JSON.stringify(deployed.id), times_seen: 2n },
  ]);
  expect(await rss(account, '2026-01-02T00:00:00Z', '2026-01-03T00:00:00Z')).toBe(43_200n);
});

test('the same id of another source or account is another event', async () => {
  const { created, deployed } = newAccount();
  const otherSource = {
    ...deployed,
    source: 'second-controller',
    data: { ...deployed.data, app: 'b' },
  };
  const other = newAccount();
  const otherAccount = { ...deployed, data: { ...deployed.data, account: other.account } };
  expect(
    statuses(await record(now, [created, deployed, otherSource, other.created, otherAccount])),
  ).toEqual(['recorded', 'recorded', 'recorded', 'recorded', 'recorded']);
});

test('events of an unknown account are parked and replayed when it appears (R61)', async () => {
  const { account, created, deployed } = newAccount();
  const outcomes = await record(now, [deployed]);
  expect(outcomes).toEqual([{ status: 'parked', waitsFor: { kind: 'account', name: account } }]);
  expect(statuses(await record(now, [deployed]))).toEqual(['parked']);
  const changed = { ...deployed, data: { ...deployed.data, replicas: 9 } };
  expect(statuses(await record(now, [changed]))).toEqual(['refused']);
  expect(await rss(account, '2026-01-02T00:00:00Z', '2026-01-03T00:00:00Z')).toBe(0n);
  expect(statuses(await record(now, [created]))).toEqual(['recorded']);
  expect(await rss(account, '2026-01-02T00:00:00Z', '2026-01-03T00:00:00Z')).toBe(43_200n);
  expect(statuses(await record(now, [deployed]))).toEqual(['duplicate']);
});

test('events of unknown apps and databases are parked until these appear, whoever waits for whom', async () => {
  const { account, say, created } = newAccount();
  const resized = say('database.resized', '2026-01-04T00:00:00Z', { database: 'db', size: 1.7 });
  const job = say('job.started', '2026-01-05T00:00:00Z', { app: 'web', job: 'j', size: 0.5 });
  const available = say('database.available', '2026-01-03T00:00:00Z', {
    app: 'web',
    database: 'db',
    size: 0.6,
  });
  expect(statuses(await record(now, [created, resized, job, available]))).toEqual([
    'recorded',
    'parked',
    'parked',
    'parked',
  ]);
  expect(
    statuses(await record(now, [say('app.created', '2026-01-02T00:00:00Z', { app: 'web' })])),
  ).toEqual(['recorded']);
  const window = { account, from: 1767225600n, to: 1767225600n + 10n * 86_400n };
  const [usage] = await usageOf(database.db, [window]);
  expect(usage).toEqual({
    apps: [{ app: 'web', rssTenths: 1500n }],
    databases: [
      { app: 'web', database: 'db', sizeTenths: 6, seconds: 86_400n },
      { app: 'web', database: 'db', sizeTenths: 17, seconds: 7n * 86_400n },
    ],
  });
  const parked = await database.db
    .selectFrom('parked_event')
    .select('event_id')
    .where('account_id', '=', account)
    .execute();
  expect(parked).toEqual([]);
});

test('an app made known by its first scale releases what waited for it', async () => {
  const { account, say, created } = newAccount();
  const job = say('job.started', '2026-01-05T00:00:00Z', { app: 'web', job: 'j', size: 0.5 });
  expect(statuses(await record(now, [created, job]))).toEqual(['recorded', 'parked']);
  const scaled = say('app.scaled', '2026-01-06T00:00:00Z', { app: 'web', replicas: 0, size: 0.5 });
  expect(statuses(await record(now, [scaled]))).toEqual(['recorded']);
  expect(await rss(account, '2026-01-05T00:00:00Z', '2026-01-06T00:00:00Z')).toBe(150n);
});

test('what happened before the sign-up is refused, also when it was parked before', async () => {
  const { account, say, created } = newAccount();
  const early = say('app.deployed', '2025-12-31T23:59:59Z', { app: 'a', replicas: 1, size: 1 });
  expect(statuses(await record(now, [early]))).toEqual(['parked']);
  await record(now, [created]);
  expect(await quarantined(account)).toEqual([
    { code: 'before_sign_up', field: 'time', value: '"2025-12-31T23:59:59Z"', times_seen: 1n },
  ]);
  expect(statuses(await record(now, [early]))).toEqual(['refused']);
});

test('a second sign-up of an account is refused; the first one anchors its periods', async () => {
  const { account, say, created } = newAccount();
  const again = say('account.created', '2026-01-15T00:00:00Z', { email: 'b@acme.example' });
  expect(statuses(await record(now, [created, again]))).toEqual(['recorded', 'refused']);
  expect((await quarantined(account))[0]?.code).toBe('account_exists');
});

test('of two sign-ups of an account in one batch the first counts, unless it was refused', async () => {
  const { account, say, created } = newAccount();
  const again = say('account.created', '2026-01-15T00:00:00Z', { email: 'b@acme.example' });
  const other = newAccount();
  const waits = other.say('app.created', '2026-01-02T00:00:00Z', { app: 'web' });
  const reused = { ...other.created, id: waits.id };
  expect(statuses(await record(now, [waits]))).toEqual(['parked']);
  expect(statuses(await record(now, [again, reused, created, other.created]))).toEqual([
    'recorded',
    'refused',
    'refused',
    'recorded',
  ]);
  const rows = await database.db
    .selectFrom('account')
    .select('signed_up_at')
    .where('account_id', 'in', [account, other.account])
    .orderBy('signed_up_at')
    .execute();
  expect(rows.map(({ signed_up_at }) => formatSecond(signed_up_at))).toEqual([
    '2026-01-01T00:00:00Z',
    '2026-01-15T00:00:00Z',
  ]);
});

test('a database keeps its app: an event that names another is refused', async () => {
  const { say, created } = newAccount();
  const deploy = (app: string) =>
    say('app.deployed', '2026-01-01T00:00:00Z', { app, replicas: 0, size: 1 });
  const available = (app: string) =>
    say('database.available', '2026-01-03T00:00:00Z', { app, database: 'db', size: 0.6 });
  await record(now, [created, deploy('web'), deploy('api'), available('web')]);
  const [outcome] = await record(now, [available('api')]);
  expect(outcome).toMatchObject({
    status: 'refused',
    refusal: { code: 'database_of_other_app', field: 'data.app', value: '"api"' },
  });
});

test('bad events are refused one by one; good ones beside them are recorded', async () => {
  const { account, say, created, deployed } = newAccount();
  const bad = say('app.scaled', '2026-01-03T00:00:00Z', { app: 'web', replicas: 1.5, size: 1 });
  const outcomes = await record(now, [created, bad, null, 'nonsense', deployed]);
  expect(statuses(outcomes)).toEqual(['recorded', 'refused', 'refused', 'refused', 'recorded']);
  expect(await quarantined(account)).toEqual([
    { code: 'invalid_event', field: 'data.replicas', value: '1.5', times_seen: 1n },
  ]);
});

test('upgrades reported twice and out of order: the earliest one counts', async () => {
  const { account, say, created } = newAccount();
  await record(now, [created, say('account.upgraded', '2026-02-01T00:00:00Z')]);
  await record(now, [say('account.upgraded', '2026-01-11T00:00:00Z')]);
  await record(now, [say('account.upgraded', '2026-02-11T00:00:00Z')]);
  const row = await database.db
    .selectFrom('account')
    .select('upgraded_at')
    .where('account_id', '=', account)
    .executeTakeFirstOrThrow();
  expect(row.upgraded_at).toBe(toSecond(new Date('2026-01-11T00:00:00Z')));
});

test('ten writers send the same shuffled batches at once: every event counts once', async () => {
  const { account, say, created } = newAccount();
  const reports = Array.from({ length: 60 }, (_, index) =>
    say('app.scaled', new Date(Date.UTC(2026, 0, 2) + index * 3_600_000).toISOString(), {
      app: `app-${index % 3}`,
      replicas: (index * 7) % 5,
      size: 0.2,
    }),
  );
  const writers = Array.from({ length: 10 }, async (_, writer) => {
    const own = reports.toSorted((a, b) => (a.id + writer < b.id + writer ? -1 : 1));
    if (writer % 2 === 1) own.reverse();
    for (let from = 0; from < own.length; from += 7 + writer) {
      await record(now, [created, ...own.slice(from, from + 7 + writer)]);
    }
  });
  await Promise.all(writers);
  const expected = reports.reduce((sum, report, index) => {
    const last = index + 3 >= reports.length;
    const hours = last ? 24 * 10 - index : 3;
    return sum + BigInt(Number(report.data.replicas) * 2 * hours * 3600);
  }, 0n);
  const [usage] = await usageOf(database.db, [
    { account, from: 1767312000n, to: 1767312000n + 10n * 86_400n },
  ]);
  expect(usage!.apps.reduce((sum, { rssTenths }) => sum + rssTenths, 0n)).toBe(expected);
});
