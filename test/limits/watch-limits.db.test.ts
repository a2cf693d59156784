import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventParser } from '../../src/events/parse-event.ts';
import { readRowLimits } from '../../src/limits/row-limit.ts';
import { listViolations } from '../../src/limits/violation-store.ts';
import { watchLimits } from '../../src/limits/watch-limits.ts';
import { eventRecorder, type RecordEvents } from '../../src/metering/record-events.ts';
import { formatSecond, toSecond } from '../../src/values/instant.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { reporter, type Report } from '../support/reports.ts';

const now = new Date('2026-03-01T00:00:00Z');
let database: TestDatabase;
let record: RecordEvents;
let statements = 0;

beforeAll(async () => {
  database = await freshDatabase();
  record = eventRecorder({
    db: database.db,
    parse: eventParser(1000),
    afterRecording: watchLimits,
  });
  database.pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...args: unknown[]) => unknown;
    const counted = (...args: unknown[]): unknown => {
      statements += 1;
      return query(...args);
    };
    Object.assign(client, { query: counted });
  });
});
afterAll(async () => await database.drop());

let accounts = 0;

async function signUp() {
  const account = `acme-${++accounts}`;
  const report = reporter(`controller-${account}`);
  const say = (type: string, time: string, data: object = {}): Report =>
    report(type, `2026-01-${time}:00Z`, { account, ...data });
  const send = async (...reports: Report[]): Promise<string[]> =>
    (await record(now, reports)).map(({ status }) => status);
  await send(say('account.created', '01T00:00', { email: 'a@acme.example' }));
  return { account, say, send };
}

async function codesOf(account: string): Promise<string[]> {
  return (await listViolations(database.db, account)).map(
    ({ code, subject }) => `${code}:${subject}`,
  );
}

async function signalsOf(account: string): Promise<string[]> {
  const rows = await database.db
    .selectFrom('signal')
    .select('kind')
    .where('account_id', '=', account)
    .orderBy('created_at')
    .execute();
  return rows.map(({ kind }) => kind);
}

test('what a FREE account is reported to run beyond its limits is recorded, noted and signalled', async () => {
  const { account, say, send } = await signUp();
  expect(
    await send(
      say('app.deployed', '02T00:00', { app: 'web', replicas: 1, size: 0.2 }),
      say('app.deployed', '03T00:00', { app: 'worker', replicas: 2, size: 0.5 }),
    ),
  ).toEqual(['recorded', 'recorded']);
  expect(await codesOf(account)).toEqual(['free_app_size:worker', 'free_instances:worker']);
  const [violation] = await listViolations(database.db, account);
  expect(violation?.message).toContain('not 0.5');
  expect(await signalsOf(account)).toEqual(['limit.exceeded']);
});

test('a breach that is over by the end of the same batch is noted all the same', async () => {
  const { account, say, send } = await signUp();
  await send(
    say('app.deployed', '02T00:00', { app: 'web', replicas: 2, size: 0.2 }),
    say('app.scaled', '02T00:01', { app: 'web', replicas: 1, size: 0.2 }),
  );
  expect(await codesOf(account)).toEqual(['free_instances:web']);
});

test('instances count as they were at the instant of the fact, not as they are now', async () => {
  const { account, say, send } = await signUp();
  await send(
    say('app.deployed', '02T00:00', { app: 'web', replicas: 1, size: 0.2 }),
    say('app.scaled', '05T00:00', { app: 'web', replicas: 0, size: 0.2 }),
    say('app.deployed', '06T00:00', { app: 'worker', replicas: 1, size: 0.2 }),
  );
  expect(await codesOf(account)).toEqual([]);
  await send(say('app.deployed', '03T00:00', { app: 'late', replicas: 1, size: 0.2 }));
  expect(await codesOf(account)).toEqual(['free_instances:late']);
});

test('a level within the limits, at 0 replicas, or said again is no violation', async () => {
  const { account, say, send } = await signUp();
  await send(
    say('app.deployed', '02T00:00', { app: 'web', replicas: 1, size: 0.2 }),
    say('app.deployed', '03T00:00', { app: 'worker', replicas: 0, size: 4 }),
    say('database.available', '03T00:00', { app: 'web', database: 'db', size: 0.6 }),
  );
  expect(await codesOf(account)).toEqual([]);
  const twice = { app: 'web', replicas: 3, size: 0.2 };
  await send(say('app.scaled', '04T00:00', twice), say('app.scaled', '05T00:00', twice));
  expect(await codesOf(account)).toEqual(['free_instances:web']);
});

test('a second database and another size are violations; a repeated report is none', async () => {
  const { account, say, send } = await signUp();
  const available = say('database.available', '03T00:00', {
    app: 'web',
    database: 'db2',
    size: 1.7,
  });
  await send(
    say('app.created', '02T00:00', { app: 'web' }),
    say('database.available', '02T00:00', { app: 'web', database: 'db1', size: 0.6 }),
    available,
  );
  await send(available);
  expect(await codesOf(account)).toEqual(['free_database_size:db2', 'free_databases:db2']);
  await send(say('database.deleted', '04T00:00', { database: 'db2' }));
  await send(say('database.resized', '05T00:00', { database: 'db1', size: 4 }));
  expect(await codesOf(account)).toContain('free_database_size:db1');
  expect(await codesOf(account)).not.toContain('free_databases:db1');
});

test('from the second of the upgrade on nothing is a violation', async () => {
  const { account, say, send } = await signUp();
  await send(say('account.upgraded', '05T00:00'));
  await send(say('app.deployed', '05T00:00', { app: 'web', replicas: 9, size: 4 }));
  expect(await codesOf(account)).toEqual([]);
});

test('events of upgraded accounts cost no statement more', async () => {
  const { say, send } = await signUp();
  const level = (minute: number): Report =>
    say('app.scaled', `06T00:${minute}`, { app: 'web', replicas: minute, size: 0.5 });
  await send(say('account.upgraded', '05T00:00'));
  await send(level(10));
  const unwatched = eventRecorder({ db: database.db, parse: eventParser(1000) });
  statements = 0;
  await unwatched(now, [level(11)]);
  const without = statements;
  statements = 0;
  await record(now, [level(12)]);
  expect(without).toBeGreaterThan(0);
  expect(statements).toBe(without);
});

test('whatever happens to many accounts at once takes the statements of one', async () => {
  const lives = (names: readonly string[]): Report[] =>
    names.flatMap((account) => {
      const report = reporter(`controller-${account}`);
      const say = (type: string, day: number, data: object = {}): Report =>
        report(type, `2026-02-0${day}T00:00:00Z`, { account, ...data });
      return [
        say('account.created', 1, { email: 'a@acme.example' }),
        say('account.confirmed', 1),
        say('app.created', 2, { app: 'web' }),
        say('app.scaled', 2, { app: 'web', replicas: 9, size: 4 }),
        say('database.available', 2, { app: 'web', database: 'db', size: 8 }),
        say('database.rows_observed', 3, { database: 'db', rows: 10_001 }),
        say('job.started', 3, { app: 'web', job: 'j', size: 1 }),
        say('app.deleted', 5, { app: 'web' }),
      ];
    });
  const ends = (names: readonly string[]): Report[] =>
    names.flatMap((account) => {
      const report = reporter(`billing-${account}`);
      return ['upgraded', 'upgraded', 'deleted'].map((what, nth) =>
        report(`account.${what}`, `2026-02-0${6 - nth}T00:00:00Z`, { account }),
      );
    });
  const costOf = async (reports: readonly Report[]): Promise<number> => {
    statements = 0;
    const outcomes = await record(now, reports);
    expect(outcomes.map(({ status }) => status)).toEqual(reports.map(() => 'recorded'));
    return statements;
  };
  const many = Array.from({ length: 20 }, (_, n) => `many-${n}`);
  const [ofOne, endOfOne] = [await costOf(lives(['one'])), await costOf(ends(['one']))];
  expect(await costOf(lives(many))).toBe(ofOne);
  expect(await costOf(ends(many))).toBe(endOfOne);
  const { rows: ended } = await database.pool
    .query(`select distinct upgraded_at, deleted_at, next_close_at,
    last_cut_at from account where account_id = 'one' or account_id like 'many-%'`);
  expect(ended).toEqual([
    {
      upgraded_at: toSecond(new Date('2026-02-05T00:00:00Z')),
      deleted_at: toSecond(new Date('2026-02-04T00:00:00Z')),
      next_close_at: toSecond(new Date('2026-02-04T00:00:00Z')),
      last_cut_at: toSecond(new Date('2026-02-05T00:00:00Z')),
    },
  ]);
  expect(await signalsOf('many-7')).toContain('database.row_limit_cleared');
});

const rows = (count: number) => ({ database: 'db', rows: count });

async function withDatabase() {
  const signedUp = await signUp();
  await signedUp.send(
    signedUp.say('app.created', '02T00:00', { app: 'web' }),
    signedUp.say('database.available', '02T00:00', { app: 'web', database: 'db', size: 0.6 }),
  );
  return signedUp;
}

async function limitedAt(account: string): Promise<string | undefined> {
  const at = (await readRowLimits(database.db, account)).get('db');
  return at === undefined ? undefined : formatSecond(at);
}

test('10,001 rows limit a database, 10,000 do not, and fewer rows clear it', async () => {
  const { account, say, send } = await withDatabase();
  await send(say('database.rows_observed', '03T00:00', rows(10_000)));
  expect(await limitedAt(account)).toBeUndefined();
  await send(say('database.rows_observed', '04T00:00', rows(10_001)));
  expect(await limitedAt(account)).toBe('2026-01-04T00:00:00Z');
  expect(await codesOf(account)).toEqual(['free_database_rows:db']);
  await send(say('database.rows_observed', '05T00:00', rows(20_000)));
  expect(await limitedAt(account)).toBe('2026-01-04T00:00:00Z');
  await send(say('database.rows_observed', '06T00:00', rows(10_000)));
  expect(await limitedAt(account)).toBeUndefined();
  expect((await signalsOf(account)).toSorted()).toEqual([
    'database.row_limit_cleared',
    'database.row_limit_exceeded',
  ]);
});

test('the row limit ends the same whatever the order of arrival', async () => {
  const counts = [9_000, 10_001, 8_000, 10_002, 10_003];
  for (const order of [
    [0, 1, 2, 3, 4],
    [4, 3, 2, 1, 0],
    [2, 4, 0, 3, 1],
    [3, 1, 4, 0, 2],
  ]) {
    const { account, say, send } = await withDatabase();
    for (const index of order) {
      await send(say('database.rows_observed', `0${index + 3}T00:00`, rows(counts[index]!)));
    }
    expect(await limitedAt(account), order.join()).toBe('2026-01-06T00:00:00Z');
  }
});

test('an upgrade lifts the row limit, and later observations do not bring it back', async () => {
  const { account, say, send } = await withDatabase();
  await send(say('database.rows_observed', '04T00:00', rows(10_001)));
  await send(say('account.upgraded', '05T00:00'));
  expect(await limitedAt(account)).toBeUndefined();
  expect(await signalsOf(account)).toContain('database.row_limit_cleared');
  await send(say('database.rows_observed', '06T00:00', rows(50_000)));
  expect(await limitedAt(account)).toBeUndefined();
});

test('levels are watched again once it turned out that the account was never upgraded', async () => {
  const { account, say, send } = await signUp();
  const upgraded = say('account.upgraded', '02T00:00');
  const level = (minute: number): Report =>
    say('app.deployed', `03T00:${minute}`, { app: 'web', replicas: minute, size: 0.2 });
  await send(upgraded, level(10));
  await send(level(11));
  expect(await codesOf(account)).toEqual([]);
  const superseded = say('event.superseded', '04T00:00', {
    superseded_source: upgraded.source,
    superseded_id: upgraded.id,
    actor: 'support',
    reason: 'reported of the wrong account',
  });
  expect(await send(superseded)).toEqual(['recorded']);
  await send(level(12));
  expect(await codesOf(account)).toEqual(['free_instances:web']);
});
