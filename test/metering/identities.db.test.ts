import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Outcome } from '../../src/events/outcome.ts';
import { eventParser } from '../../src/events/parse-event.ts';
import { prepareMonths } from '../../src/metering/months.ts';
import { eventRecorder, type RecordEvents } from '../../src/metering/record-events.ts';
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
function newAccount() {
  const account = `acme-${++accounts}`;
  const report = reporter(`controller-${account}`);
  const say = (type: string, time: string, data: object): Report =>
    report(type, time, { account, ...data });
  const created = say('account.created', '2026-01-01T00:00:00Z', { email: 'a@acme.example' });
  return { account, say, created };
}

const statuses = (outcomes: readonly Outcome[]) => outcomes.map(({ status }) => status);

test('names are kept as they are, whatever they hold that a database or a file could take for its own', async () => {
  const { say, created } = newAccount();
  const names = [
    'back\\slash',
    '\\N',
    '\\.',
    '"quoted"',
    "it's",
    'a,b',
    '{braces}',
    'NULL',
    'null',
    ' ',
    '-- x',
    'سلام',
    '😀',
    'ünï ☃',
  ];
  const apps = names.map((app, n) =>
    say('app.scaled', `2026-01-0${1 + (n % 9)}T00:00:00Z`, { app, replicas: 1, size: 1 }),
  );
  const outcomes = await record(now, [created, ...apps]);
  expect(statuses(outcomes)).toEqual(['recorded', ...names.map(() => 'recorded')]);
  const { rows } = await database.pool.query<{ app: string }>(
    `select event.app, event.resource, series.resource as metered from event
     join series on series.account_id = event.account_id and series.resource = event.app
     where event.app = any($1)`,
    [names],
  );
  expect(rows.map(({ app }) => app).toSorted()).toEqual(names.toSorted());
  expect(statuses(await record(now, apps))).toEqual(names.map(() => 'duplicate'));
});

test('an id is used once, also when months lie between its two reports', async () => {
  const { account, say, created } = newAccount();
  const first = say('app.scaled', '2026-01-02T00:00:00Z', { app: 'web', replicas: 1, size: 1 });
  await record(new Date('2026-01-02T00:00:00Z'), [created, first]);
  await prepareMonths(database.db, new Date('2026-02-02T00:00:00Z'));
  const other = { ...first, time: '2026-02-02T00:00:00Z' };
  expect(statuses(await record(now, [other]))).toEqual(['refused']);
  expect(statuses(await record(now, [first]))).toEqual(['duplicate']);
  const { rows } = await database.pool.query(
    'select code from quarantined_event where account_id = $1',
    [account],
  );
  expect(rows).toEqual([{ code: 'id_reused' }]);
});

test('an id that waits is not taken by another report, whatever that is about', async () => {
  const { say, created } = newAccount();
  const waiting = say('app.deleted', '2026-01-05T00:00:00Z', { app: 'unknown' });
  const other = say('app.scaled', '2026-01-06T00:00:00Z', { app: 'web', replicas: 1, size: 1 });
  await record(now, [created, waiting]);
  expect(statuses(await record(now, [{ ...other, id: waiting.id }, waiting]))).toEqual([
    'refused',
    'parked',
  ]);
});
