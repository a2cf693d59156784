import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Outcome } from '../../src/events/outcome.ts';
import { eventParser } from '../../src/events/parse-event.ts';
import { closeDuePeriods } from '../../src/invoicing/close-periods.ts';
import { eventRecorder, type RecordEvents } from '../../src/metering/record-events.ts';
import { reviewParked } from '../../src/metering/review-parked.ts';
import { platformRecording } from '../../src/platform/recording.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { arriving } from '../support/refusals.ts';
import { reporter } from '../support/reports.ts';

const now = new Date('2026-03-01T00:00:00Z');
let database: TestDatabase;
let record: RecordEvents;

beforeAll(async () => {
  database = await freshDatabase();
  record = eventRecorder({ db: database.db, ...platformRecording(eventParser(1000)) });
});
afterAll(async () => await database.drop());

const statuses = (outcomes: readonly Outcome[]) => outcomes.map(({ status }) => status);

/** Of four bytes each, and of a kind that no index can compress. */
function longName(characters: number): string {
  const one = () => String.fromCodePoint(0x20_000 + randomInt(0xa000));
  return Array.from({ length: characters }, one).join('');
}

test('events whose every name is as long as can be are recorded, corrected and billed', async () => {
  const account = longName(200);
  const app = longName(200);
  const named = longName(200);
  const source = longName(75);
  const report = reporter(source);
  const say = (type: string, day: string, data: object) => ({
    ...report(type, `2026-01-${day}T00:00:00Z`, { account, ...data }),
    id: longName(75),
    sequence: longName(75),
  });
  const deleted = say('app.deleted', '11', { app });
  const reports = [
    say('account.upgraded', '01', {}),
    say('database.resized', '05', { database: named, size: 1.7 }),
    say('database.rows_observed', '02', { database: named, rows: 10_001 }),
    say('job.started', '03', { app, job: named, size: 1 }),
    say('job.finished', '03', { app, job: named }),
    say('database.available', '01', { app, database: named, size: 0.6 }),
    say('app.deployed', '01', { app, replicas: 2, size: 0.3 }),
    deleted,
    say('event.superseded', '12', {
      superseded_source: source,
      superseded_id: deleted.id,
      actor: longName(200),
      reason: longName(200),
      instead: { time: '2026-01-21T00:00:00Z' },
    }),
    say('account.created', '01', { email: `${longName(198)}@x` }),
  ];
  for (const one of reports) await record(now, [one]);
  await record(now, reports);
  await reviewParked({ db: database.db, parse: eventParser(1000) }, now);
  expect(statuses(await record(now, reports))).toEqual(reports.map(() => 'duplicate'));
  await closeDuePeriods(database.db, now, {
    graceSeconds: 0n,
    onFailure: (_account, error) => {
      throw error;
    },
  });
  const lines = await database.db
    .selectFrom('invoice_line')
    .select(['quantity', 'amount_cents'])
    .where('account_id', '=', account)
    .where('quantity', '>', 0n)
    .orderBy('line_number')
    .execute();
  // 20 days × 0.6 and no job second; 4 days of 0.6 and 16 of 1.7 out of 31.
  expect(lines).toEqual([
    { quantity: 20n * 86_400n * 6n, amount_cents: 1935n },
    { quantity: 4n * 86_400n, amount_cents: 323n },
    { quantity: 16n * 86_400n, amount_cents: 2581n },
  ]);
});

const DEEP = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;

test.each<[what: string, data: string]>([
  ['a field whose name holds a NUL', String.raw`{"account": "acme", "x\u0000y": 1}`],
  ['a field with half a character for a name', String.raw`{"account": "acme", "\ud800": 1}`],
  ['a field with a very long name', `{"account": "acme", "${'x'.repeat(1_000_000)}": 1}`],
  ['a field nested deeper than a stack', `{"account": "acme", "x": ${DEEP}}`],
  ['an account nested deeper than a stack', `{"account": ${DEEP}}`],
  ['an account with a NUL', String.raw`{"account": "ac\u0000me"}`],
])('%s is refused and kept; what came with it is recorded', async (_what, data) => {
  const report = reporter(longName(10));
  const account = longName(10);
  const created = report('account.created', '2026-01-01T00:00:00Z', { account, email: 'a@b' });
  const bad = report('account.confirmed', '2026-01-02T00:00:00Z', {});
  const outcomes = await record(now, [{ ...bad, data: arriving(data) }, created]);
  expect(statuses(outcomes)).toEqual(['refused', 'recorded']);
  const kept = await database.db
    .selectFrom('quarantined_event')
    .select(['event_id', 'field', 'times_seen'])
    .where('source', '=', bad.source)
    .execute();
  expect(kept).toEqual([
    { event_id: bad.id, field: expect.stringMatching(/^data\..{1,110}$/u), times_seen: 1n },
  ]);
});

test.each([
  ['with a NUL', 'e\0'],
  ['longer than any', 'x'.repeat(10_000)],
])('an event superseded by an id that no event can have, %s, is refused', async (_what, id) => {
  const report = reporter('ops');
  const account = longName(10);
  const created = report('account.created', '2026-01-01T00:00:00Z', { account, email: 'a@b' });
  const superseded = report('event.superseded', '2026-01-02T00:00:00Z', {
    account,
    superseded_source: 'ops',
    superseded_id: id,
    actor: 'ops',
    reason: 'wrong',
  });
  expect(await record(now, [superseded, created])).toMatchObject([
    { status: 'refused', refusal: { field: 'data.superseded_id' } },
    { status: 'recorded' },
  ]);
});

test('deeply nested attributes beyond ours hinder nothing, not even while their event waits', async () => {
  const report = reporter('deep');
  const account = longName(10);
  const extended = { extension: arriving(DEEP) };
  const created = report('account.created', '2026-01-01T00:00:00Z', { account, email: 'a@b' });
  const confirmed = report('account.confirmed', '2026-01-02T00:00:00Z', { account });
  expect(statuses(await record(now, [{ ...confirmed, ...extended }]))).toEqual(['parked']);
  expect(statuses(await record(now, [{ ...created, ...extended }]))).toEqual(['recorded']);
  expect(statuses(await record(now, [confirmed]))).toEqual(['duplicate']);
});

test('what was taken and waits is recorded, though the clock and the settings would refuse it now', async () => {
  const report = reporter('strict');
  const account = longName(10);
  const data = { account, app: 'web', replicas: 900, size: 1 };
  const big = report('app.deployed', '2026-03-01T00:04:00Z', data);
  const created = report('account.created', '2026-01-01T00:00:00Z', { account, email: 'a@b' });
  expect(statuses(await record(now, [big]))).toEqual(['parked']);
  const stricter = eventRecorder({ db: database.db, parse: eventParser(100) });
  const earlier = new Date(now.getTime() - 600_000);
  expect(statuses(await stricter(earlier, [created]))).toEqual(['recorded']);
  expect(statuses(await record(now, [big]))).toEqual(['duplicate']);
});

test('workers that refuse the same bad events in different order do not wait for each other for ever', async () => {
  const bad = Array.from({ length: 200 }, (_, number) => ({ bad: number }));
  const batches = Array.from({ length: 8 }, (_, n) => (n % 2 === 0 ? bad : bad.toReversed()));
  await Promise.all(batches.map(async (batch) => await record(now, [...batch, batch[0]])));
  const kept = await database.db
    .selectFrom('quarantined_event')
    .select('times_seen')
    .where('reported', 'like', '{"bad":%')
    .execute();
  expect(kept).toHaveLength(200);
  expect(kept.reduce((sum, { times_seen }) => sum + times_seen, 0n)).toBe(8n * 201n);
});
