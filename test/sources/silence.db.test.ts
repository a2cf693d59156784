import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { eventParser } from '../../src/events/parse-event.ts';
import {
  eventRecorder,
  recorderWithin,
  type RecordEvents,
} from '../../src/metering/record-events.ts';
import { usageOf } from '../../src/metering/usage/usage-store.ts';
import { platformRecording } from '../../src/platform/recording.ts';
import { noteHeard, noticing } from '../../src/sources/heard.ts';
import { expectSource, listSources, type Policy } from '../../src/sources/source-store.ts';
import { watchSilence } from '../../src/sources/silence/watch-silence.ts';
import { parseInstant } from '../../src/values/instant.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { reporter, type Report } from '../support/reports.ts';

const recording = platformRecording(eventParser(1000));
const START = '2026-01-01T00:00:00Z';
let database: TestDatabase;
let record: RecordEvents;

beforeAll(async () => {
  database = await freshDatabase();
});
beforeEach(() => {
  // What was noted is remembered per process; each test is one.
  const { db } = database;
  record = noticing(db, eventRecorder({ db, ...recording }));
});
afterAll(async () => await database.drop());

/** 12:00 on the first day is `clock('12:00')`. */
function clock(time: string): Date {
  return new Date(`2026-01-01T${time.padEnd(8, ':00')}Z`);
}

async function watch(time: string) {
  const { db } = database;
  return await watchSilence({ db, record: recorderWithin(recording) }, clock(time));
}

let sources = 0;

/** A source that deployed apps of an account at midnight and is expected every ten minutes. */
async function expected(policy: Policy, apps: readonly string[] = ['web']) {
  const source = `source ${++sources}`;
  const account = `account of ${source}`;
  const say = reporter(source);
  await expectSource(database.db, clock('00:00'), { source, expectedEverySeconds: 600, policy });
  await record(clock('00:00'), [
    say('account.created', START, { account, email: 'o@sources.example' }),
    ...apps.map((app) => say('app.deployed', START, { account, app, replicas: 1, size: 1 })),
    say('database.available', START, { account, app: 'web', database: 'db1', size: 0.6 }),
  ]);
  const scaled = (app: string, time: string, replicas: number): Report =>
    say('app.scaled', clock(time).toISOString(), { account, app, replicas, size: 1 });
  return { source, account, say, scaled };
}

async function find(source: string) {
  const found = await listSources(database.db);
  return found.find((one) => one.source === source)!;
}

async function signalsAbout(source: string): Promise<string[]> {
  const rows = await database.db
    .selectFrom('signal')
    .select(['account_id', 'kind', 'details'])
    .orderBy('created_at')
    .orderBy('kind')
    .execute();
  return rows
    .filter(({ details }) => JSON.stringify(details).includes(`"${source}"`))
    .map(({ account_id, kind }) => (account_id === '' ? kind : `${kind} of ${account_id}`));
}

async function minutesOf(account: string, from: string, to: string) {
  const [start, end] = [from, to].map((time) => parseInstant(clock(time).toISOString())!.second);
  const [usage] = await usageOf(database.db, [{ account, from: start!, to: end! }]);
  return Object.fromEntries([
    ...usage!.apps.map(({ app, rssTenths }) => [app, Number(rssTenths) / 600]),
    ...usage!.databases.map(({ database: name, seconds }) => [name, Number(seconds) / 60]),
  ]) as Record<string, number>;
}

test('a source is silent from when its report was overdue; the platform is told once, and again when it is heard', async () => {
  const { source, scaled } = await expected('hold');
  expect(await watch('00:10')).toMatchObject({ begun: [] });
  const { begun } = await watch('00:10:01');
  expect(begun.map((one) => one.source)).toEqual([source]);
  expect(await find(source)).toMatchObject({ silentSince: clock('00:10') });
  expect(await watch('02:00')).toMatchObject({ begun: [], ended: [] });
  expect(await signalsAbout(source)).toEqual(['source.silent']);

  await record(clock('03:00'), [scaled('web', '03:00', 2)]);
  await watch('03:02');
  expect(await find(source)).toMatchObject({
    lastHeardAt: clock('03:00'),
    silentSince: undefined,
  });
  expect(await signalsAbout(source)).toEqual(['source.silent', 'source.heard_again']);
  await watch('03:10:30');
  expect(await signalsAbout(source)).toHaveLength(3);
});

test('repeats and heartbeats keep a source from being silent, refused reports do not', async () => {
  const { source, account, scaled, say } = await expected('hold');
  const web = scaled('web', '00:05', 2);
  await record(clock('00:05'), [web]);
  await record(clock('00:14'), [web]);
  await noteHeard(database.db, clock('00:23'), [source]);
  await watch('00:32');
  expect(await find(source)).toMatchObject({ silentSince: undefined });
  await record(clock('00:32'), [say('app.scaled', START, { account, app: 'web', size: 'big' })]);
  await watch('00:33:01');
  expect(await find(source)).toMatchObject({ silentSince: clock('00:33') });
});

test('a busy source is noted every ten seconds, not with every batch', async () => {
  const { source, scaled } = await expected('hold');
  await record(clock('00:01:00'), [scaled('web', '00:01:00', 2)]);
  await record(clock('00:01:09'), [scaled('web', '00:01:09', 3)]);
  expect(await find(source)).toMatchObject({ lastHeardAt: clock('00:01:00') });
  await record(clock('00:01:10'), [scaled('web', '00:01:10', 4)]);
  expect(await find(source)).toMatchObject({ lastHeardAt: clock('00:01:10') });
});

test('hold: the levels of a silent source stay', async () => {
  const { account } = await expected('hold');
  await watch('01:00');
  expect(await minutesOf(account, '00:00', '02:00')).toEqual({ web: 120, db1: 120 });
});

test('flag: the levels stay, and each account is told once', async () => {
  const { source, account } = await expected('flag');
  await watch('01:00');
  await watch('01:01');
  expect(await minutesOf(account, '00:00', '02:00')).toEqual({ web: 120, db1: 120 });
  expect(await signalsAbout(source)).toEqual(['source.silent', `usage.unconfirmed of ${account}`]);
});

test('close: the levels end when the silence began and come back when the source is heard again', async () => {
  const { source, account, scaled } = await expected('close', ['web', 'api']);
  await watch('01:00');
  expect(await minutesOf(account, '00:00', '01:00')).toEqual({ web: 10, api: 10, db1: 10 });
  expect(await signalsAbout(source)).toContain(`usage.unconfirmed of ${account}`);
  await record(clock('02:00'), [scaled('web', '02:00', 3)]);
  await watch('02:00:30');
  expect(await minutesOf(account, '02:00', '02:01')).toEqual({ web: 3 });
  await watch('02:01');
  expect(await minutesOf(account, '00:00', '03:00')).toEqual({
    web: 10 + 3 * 60,
    api: 10 + 60,
    db1: 10 + 60,
  });
  await watch('02:02');
  expect(await minutesOf(account, '00:00', '03:00')).toMatchObject({ api: 70 });
});

test('close: what ended meanwhile, by a report that came late, does not come back', async () => {
  const { account, say, scaled } = await expected('close', ['web', 'api', 'cron']);
  await watch('01:00');
  await record(clock('02:00'), [
    say('app.deleted', clock('00:05').toISOString(), { account, app: 'api' }),
    scaled('cron', '00:30', 2),
  ]);
  await watch('02:05');
  expect(await minutesOf(account, '00:00', '03:00')).toEqual({
    web: 10 + 60,
    api: 5,
    cron: 10 + 2 * 150,
    db1: 10 + 60,
  });
});

test('close: what was reported after the silence began ends after that report, and other sources stay', async () => {
  const { source, account, scaled } = await expected('close');
  const other = reporter(`other of ${account}`);
  await record(clock('00:00'), [
    other('app.deployed', START, { account, app: 'theirs', replicas: 1, size: 1 }),
  ]);
  // A clock that runs ahead: heard at 00:01, true from 00:04 on.
  await record(clock('00:01'), [scaled('web', '00:04', 5)]);
  await expectSource(database.db, clock('00:00'), {
    source,
    expectedEverySeconds: 120,
    policy: 'close',
  });
  await watch('00:30');
  const minutes = await minutesOf(account, '00:00', '01:00');
  expect(minutes).toMatchObject({ theirs: 60 });
  // Overdue at 00:03, when one replica ran; the report of 00:04 holds for its second.
  expect(minutes.web).toBeCloseTo(4 + 5 / 60);
});

test('what nobody expects is never silent, a source that was never heard is', async () => {
  const never = `source ${++sources}`;
  await expectSource(database.db, clock('00:00'), {
    source: never,
    expectedEverySeconds: 600,
    policy: 'close',
  });
  const { source } = await expected('close');
  await expectSource(database.db, clock('00:01'), {
    source,
    expectedEverySeconds: undefined,
    policy: 'hold',
  });
  await watch('00:30');
  expect(await find(source)).toMatchObject({ silentSince: undefined });
  expect(await find(never)).toMatchObject({ lastHeardAt: undefined, silentSince: clock('00:10') });
});

test('two watches at once find each silence once', async () => {
  const { source, account } = await expected('close');
  await Promise.all([watch('00:30'), watch('00:30'), watch('00:30')]);
  const signals = await signalsAbout(source);
  expect(signals.filter((signal) => signal === 'source.silent')).toHaveLength(1);
  expect(await minutesOf(account, '00:00', '01:00')).toEqual({ web: 10, db1: 10 });
});
