import { afterAll, beforeAll, expect, test } from 'vitest';
import { followingId } from '../../src/events/derived.ts';
import { eventParser } from '../../src/events/parse-event.ts';
import { eventRecorder, type RecordEvents } from '../../src/metering/record-events.ts';
import { reviewParked } from '../../src/metering/review-parked.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { reporter } from '../support/reports.ts';

const parse = eventParser(1000);
const now = new Date('2026-03-01T00:00:00Z');
let database: TestDatabase;
let record: RecordEvents;

beforeAll(async () => {
  database = await freshDatabase();
  record = eventRecorder({ db: database.db, parse });
});
afterAll(async () => await database.drop());

const review = async () => await reviewParked({ db: database.db, parse }, now);

test('a supersession is taken when its event is recorded, not while that waits itself', async () => {
  const say = reporter();
  const account = 'acme';
  const web = { account, app: 'web', replicas: 1, size: 0.5 };
  const scaled = say('app.scaled', '2026-01-02T00:00:00Z', web);
  const finished = say('job.finished', '2026-01-02T00:00:00Z', { account, app: 'api', job: 'j' });
  const supersede = (source: string, id: string) =>
    say('event.superseded', '2026-01-03T00:00:00Z', {
      account,
      superseded_source: source,
      superseded_id: id,
      actor: 'ops',
      reason: 'it was wrong',
      instead: {},
    });
  const first = supersede(scaled.source, scaled.id);
  const instead = followingId(scaled, 'instead', [first.source, first.id]);
  await record(now, [
    say('account.created', '2026-01-01T00:00:00Z', { account, email: 'a@acme.example' }),
    finished,
    supersede(finished.source, finished.id),
    first,
    supersede('gigameter', instead),
  ]);
  // What is waited for waits for an app.
  expect(await review()).toBe(0);
  await record(now, [scaled]);
  // What came instead is known when the first is.
  expect([await review(), await review(), await review()]).toEqual([1, 1, 0]);
});
