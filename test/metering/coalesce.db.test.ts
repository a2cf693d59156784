import { afterAll, beforeAll, expect, test } from 'vitest';
import { lockAccounts } from '../../src/accounts/lock.ts';
import { eventParser } from '../../src/events/parse-event.ts';
import { coalesced } from '../../src/metering/coalesce.ts';
import {
  readAttempter,
  readRecorder,
  readReports,
  type RecordEvents,
} from '../../src/metering/record-events.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { reporter } from '../support/reports.ts';
import { until } from '../support/until.ts';

const NOW = new Date('2026-03-01T00:00:00Z');
let database: TestDatabase;
let record: RecordEvents;
let batches: number;

beforeAll(async () => {
  database = await freshDatabase();
  const recording = { db: database.db, parse: eventParser(1000) };
  const attempt = readAttempter(recording);
  record = coalesced({
    read: async (now, reported) => await readReports(recording.parse, now, reported),
    record: readRecorder(recording),
    attempt: async (now, read) => {
      batches += 1;
      return await attempt(now, read);
    },
  });
  batches = 0;
});
afterAll(async () => await database.drop());

const say = reporter();
const created = (account: string) =>
  say('account.created', '2026-01-01T00:00:00Z', { account, email: 'o@w.example' });
const scaled = (account: string, replicas: number) =>
  say('app.scaled', '2026-02-01T00:00:00Z', { account, app: 'web', replicas, size: 1 });

/** Holds an account as a rebuild does, until told to let go. */
async function hold(account: string): Promise<() => Promise<void>> {
  const tx = await database.db.startTransaction().execute();
  await lockAccounts(tx, [account]);
  return async () => {
    await tx.commit().execute();
  };
}

test('calls that come together share a commit', async () => {
  const accounts = Array.from({ length: 40 }, (_, n) => `together ${n}`);
  const before = batches;
  const outcomes = await Promise.all(
    accounts.map(async (one) => await record(NOW, [created(one)])),
  );
  expect(outcomes).toEqual(accounts.map(() => [{ status: 'recorded' }]));
  expect(batches - before).toBeLessThanOrEqual(2);
});

test('events of an account that somebody holds wait for it, and all others go on', async () => {
  const names = ['held 1', 'held 2', 'free'];
  await record(NOW, names.map(created));
  const letGo = [await hold('held 1'), await hold('held 2')];
  let isDone = false;
  const mixed = [scaled('held 1', 1), scaled('free', 1), { id: 'bad' }, scaled('held 2', 1)];
  const waiting = record(NOW, mixed).finally(() => (isDone = true));
  // More calls of held accounts than the pool has connections.
  const more = Array.from(
    { length: 30 },
    async (_, n) => await record(NOW, [scaled(`held ${1 + (n % 2)}`, n)]),
  );
  expect(await record(NOW, [scaled('free', 2)])).toEqual([{ status: 'recorded' }]);
  expect(isDone).toBe(false);
  for (const go of letGo) await go();
  const outcomes = await waiting;
  expect(outcomes.map(({ status }) => status)).toEqual([
    'recorded',
    'recorded',
    'refused',
    'recorded',
  ]);
  expect((await Promise.all(more)).flat().every(({ status }) => status === 'recorded')).toBe(true);
  const { rows } = await database.pool.query<{ count: bigint }>(
    `select count(*) from event where account_id like 'held%' and type = 'app.scaled'`,
  );
  expect(rows[0]!.count).toBe(32n);
});

test('a repeat of an event that waits is told that it is one', async () => {
  await record(NOW, [created('twice')]);
  const letGo = await hold('twice');
  const event = scaled('twice', 3);
  const calls = [record(NOW, [event]), record(NOW, [event])];
  await until('both wait', async () => {
    const { rows } = await database.pool.query<{ count: bigint }>(
      `select count(*) from pg_locks where locktype = 'advisory' and not granted
         and database = (select oid from pg_database where datname = current_database())`,
    );
    return rows[0]!.count > 0n;
  });
  await letGo();
  const statuses = (await Promise.all(calls)).flat().map(({ status }) => status);
  expect(statuses.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(['duplicate', 'recorded']);
});
