import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventParser } from '../../src/events/parse-event.ts';
import {
  eventRecorder,
  recorderWithin,
  type RecordEvents,
} from '../../src/metering/record-events.ts';
import { usageOf } from '../../src/metering/usage/usage-store.ts';
import { platformRecording } from '../../src/platform/recording.ts';
import {
  applySnapshot,
  type SnapshotOptions,
  type SnapshotResult,
} from '../../src/sources/snapshots/apply-snapshot.ts';
import { compareSnapshot } from '../../src/sources/snapshots/compare-snapshot.ts';
import { correctionsOf } from '../../src/sources/snapshots/corrections.ts';
import { findHeld } from '../../src/sources/snapshots/held-store.ts';
import {
  reportedResources,
  type AccountSnapshot,
  type Snapshot,
} from '../../src/sources/snapshots/snapshot.ts';
import { snapshotAnswer } from '../../src/sources/snapshots/snapshot-answer.ts';
import { parseInstant, type Instant } from '../../src/values/instant.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { reporter } from '../support/reports.ts';

const recording = platformRecording(eventParser(1000));
const now = new Date('2026-11-01T00:00:00Z');
let database: TestDatabase;
let record: RecordEvents;

beforeAll(async () => {
  database = await freshDatabase();
  record = eventRecorder({ db: database.db, ...recording });
});
afterAll(async () => await database.drop());

async function apply(snapshot: Snapshot, options?: SnapshotOptions): Promise<SnapshotResult> {
  const context = { db: database.db, record: recorderWithin(recording) };
  return await applySnapshot(context, now, snapshot, options);
}

async function countEvents(): Promise<bigint> {
  const { count } = await database.db
    .selectFrom('event')
    .select(({ fn }) => fn.countAll<bigint>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}

function at(time: string): Instant {
  return parseInstant(time)!;
}

function snapshotOf(
  source: string,
  time: string,
  accounts: readonly AccountSnapshot[],
  since?: string,
): Snapshot {
  return {
    source,
    accounts,
    takenAt: at(time),
    since: since === undefined ? undefined : at(since),
  };
}

/** An account in STANDARD with apps that a source deployed on 1 January 2026. */
async function accountWith(
  source: string,
  apps: readonly string[],
): Promise<{ readonly account: string; readonly say: ReturnType<typeof reporter> }> {
  const account = `of ${source}`;
  const say = reporter(source);
  const start = '2026-01-01T00:00:00Z';
  await record(now, [
    say('account.created', start, { account, email: 'o@sources.example' }),
    say('account.upgraded', start, { account }),
    ...apps.map((app) => say('app.deployed', start, { account, app, replicas: 1, size: 1 })),
  ]);
  return { account, say };
}

function runs1(app: string) {
  return { app, replicas: 1, sizeTenths: 10 };
}

async function hoursOf(account: string, from: string, to: string): Promise<Record<string, number>> {
  const window = { account, from: at(from).second, to: at(to).second };
  const [usage] = await usageOf(database.db, [window]);
  return Object.fromEntries(
    usage!.apps.map(({ app, rssTenths }) => [app, Number(rssTenths) / 36_000]),
  );
}

test('an app nobody reports any more ends at the instant of the snapshot, one that was lost begins there', async () => {
  const { account } = await accountWith('lossy', ['kept', 'gone']);
  const accounts = [{ account, apps: [runs1('kept'), runs1('lost')], databases: [] }];
  const result = await apply(snapshotOf('lossy', '2026-01-01T10:00:00Z', accounts));
  expect(result).toMatchObject({ held: 2, missed: 1, corrections: { recorded: 2 } });
  expect(await hoursOf(account, '2026-01-01T00:00:00Z', '2026-01-01T12:00:00Z')).toEqual({
    kept: 12,
    gone: 10,
    lost: 2,
  });
  const events = await database.db
    .selectFrom('event')
    .select(['source', 'event_id'])
    .where('account_id', '=', account)
    .where('event_id', 'like', 'snapshot%')
    .execute();
  expect(events.map(({ source }) => source)).toEqual(['lossy', 'lossy']);
});

test('told since when, the differences go back to then, but not before the last report of the resource', async () => {
  const { account, say } = await accountWith('told', ['web', 'late']);
  const late = { account, app: 'late', replicas: 2, size: 1 };
  await record(now, [say('app.scaled', '2026-01-01T08:00:00Z', late)]);
  const accounts = [{ account, apps: [{ ...runs1('web'), replicas: 3 }], databases: [] }];
  await apply(snapshotOf('told', '2026-01-01T10:00:00Z', accounts, '2026-01-01T06:00:00Z'));
  expect(await hoursOf(account, '2026-01-01T00:00:00Z', '2026-01-01T10:00:00Z')).toEqual({
    web: 6 + 3 * 4,
    late: 8,
  });
});

test("a snapshot ends no other source's apps, and takes over those it names", async () => {
  const { account } = await accountWith('east', ['a', 'b']);
  const west = reporter('west');
  await record(now, [
    west('app.deployed', '2026-01-01T00:00:00Z', { account, app: 'w', replicas: 1, size: 1 }),
  ]);
  const ofEast = [{ account, apps: [runs1('a'), runs1('b')], databases: [] }];
  expect(await apply(snapshotOf('east', '2026-01-02T00:00:00Z', ofEast))).toMatchObject({
    held: 2,
    drift: [],
  });
  const ofWest = [{ account, apps: [runs1('w'), { ...runs1('a'), replicas: 2 }], databases: [] }];
  await apply(snapshotOf('west', '2026-01-03T00:00:00Z', ofWest));
  const next = await apply(
    snapshotOf('east', '2026-01-04T00:00:00Z', [{ account, apps: [runs1('b')], databases: [] }]),
  );
  expect(next).toMatchObject({ held: 1, missed: 0, drift: [] });
});

test('what a command changed still belongs to the source that reported it', async () => {
  const { account } = await accountWith('commanded', ['web', 'api']);
  const scaled = { account, app: 'web', replicas: 5, size: 1 };
  await record(now, [reporter('gigameter-api')('app.scaled', '2026-01-02T00:00:00Z', scaled)]);
  const withdrawn = {
    account,
    superseded_source: 'commanded',
    superseded_id: 'e-4',
    actor: 'ops',
    reason: 'wrong size',
    instead: { size: 2 },
  };
  await record(now, [reporter('ops')('event.superseded', '2026-01-02T00:00:00Z', withdrawn)]);
  const held = await findHeld(database.db, {
    source: 'commanded',
    at: at('2026-01-03T00:00:00Z'),
    named: [],
  });
  expect(Object.fromEntries(held.map(({ name, state }) => [name, state]))).toEqual({
    api: { replicas: 1, sizeTenths: 20 },
    web: { replicas: 5, sizeTenths: 10 },
  });
});

test('an empty snapshot and one that misses more than a fifth are refused unless forced', async () => {
  const apps = Array.from({ length: 50 }, (_, n) => `app-${n}`);
  const { account } = await accountWith('shrunk', apps);
  const naming = (count: number, time: string): Snapshot =>
    snapshotOf('shrunk', time, [{ account, apps: apps.slice(0, count).map(runs1), databases: [] }]);
  const empty = snapshotOf('shrunk', '2026-01-02T00:00:00Z', []);
  const recorded = await countEvents();
  for (const small of [
    empty,
    naming(0, '2026-01-02T00:00:00Z'),
    naming(39, '2026-01-02T00:00:00Z'),
  ]) {
    await expect(apply(small)).rejects.toMatchObject({ code: 'snapshot_too_small' });
    expect(await apply(small, { isDryRun: true })).toMatchObject({
      suspicion: expect.stringContaining('of the 50 resources that run'),
    });
  }
  expect(await countEvents()).toBe(recorded);
  const enough = await apply(naming(40, '2026-01-03T00:00:00Z'));
  expect(enough).toMatchObject({ missed: 10, corrections: { recorded: 10 } });
  const forced = await apply({ ...empty, takenAt: at('2026-01-04T00:00:00Z') }, { isForced: true });
  expect(forced).toMatchObject({ missed: 40, corrections: { recorded: 40 } });
});

test('the drift of an account is told in units and dollars, and what it came to since the last word about it', async () => {
  const { account, say } = await accountWith('priced', ['web', 'gone']);
  await record(now, [
    say('app.scaled', '2026-01-01T04:00:00Z', { account, app: 'web', replicas: 1, size: 2 }),
    say('database.available', '2026-01-01T00:00:00Z', {
      account,
      app: 'web',
      database: 'db1',
      size: 0.6,
    }),
  ]);
  const accounts = [
    {
      account,
      apps: [{ app: 'web', replicas: 3, sizeTenths: 20 }],
      databases: [{ app: 'web', database: 'db1', sizeTenths: 17 }],
    },
    { account: 'nobody', apps: [runs1('web')], databases: [] },
  ];
  const answer = snapshotAnswer(
    await apply(snapshotOf('priced', '2026-01-01T10:00:00Z', accounts)),
  );
  // An hour of size 1 is 3600 × $0.00001866786; of January's 744 hours, db1 misses $25.
  expect(answer).toMatchObject({
    usd_per_hour: '0.23521504',
    accounts_with_drift: 2,
    corrections: { recorded: 3, parked: 1 },
  });
  expect(answer.accounts[0]).toMatchObject({
    account,
    tier: 'STANDARD',
    replica_size: '3',
    databases: 0,
    usd_per_hour: '0.23521504',
    // 4 more for 6 hours, 1 less for 10, $25 more a month for 10 hours.
    misbilled_usd: '1.27688165',
  });
  expect(answer.accounts[0]!.differences).toContainEqual({
    app: 'web',
    database: null,
    metered: { replicas: 1, size: 2 },
    reported: { replicas: 3, size: 2 },
    usd_per_hour: '0.26881718',
    since: '2026-01-01T04:00:00Z',
    misbilled_usd: '1.61290310',
  });
  expect(answer.accounts[1]).toMatchObject({
    account: 'nobody',
    tier: null,
    usd_per_hour: '0.00000000',
  });
});

test('another snapshot of the same instant is refused, one ahead of the clock too', async () => {
  const { account } = await accountWith('twofold', ['web']);
  const naming = (replicas: number, time: string): Snapshot =>
    snapshotOf('twofold', time, [
      { account, apps: [{ ...runs1('web'), replicas }], databases: [] },
    ]);
  await apply(naming(2, '2026-01-02T00:00:00.5Z'));
  await expect(apply(naming(3, '2026-01-02T00:00:00.5Z'))).rejects.toMatchObject({
    code: 'snapshot_differs',
  });
  await apply(naming(3, '2026-01-02T00:00:00.6Z'));
  await expect(apply(naming(3, '2026-11-01T00:05:01Z'))).rejects.toMatchObject({
    code: 'snapshot_ahead',
  });
});

test('two at once and one that was broken off end the same', async () => {
  const { account } = await accountWith('raced', ['web', 'gone']);
  const accounts = [
    {
      account,
      apps: [{ ...runs1('web'), replicas: 4 }],
      databases: [{ app: 'new', database: 'db1', sizeTenths: 6 }],
    },
  ];
  const snapshot = snapshotOf('raced', '2026-01-02T00:00:00Z', accounts);
  const held = await findHeld(database.db, {
    source: 'raced',
    at: snapshot.takenAt,
    named: reportedResources(accounts),
  });
  const [first] = correctionsOf(snapshot, compareSnapshot('raced', accounts, held));
  const before = await countEvents();
  await record(now, [first]);
  await Promise.all([apply(snapshot), apply(snapshot), apply(snapshot)]);
  // web, gone, the app of the database, and the database.
  expect(await countEvents()).toBe(before + 4n);
});
