import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventParser } from '../../src/events/parse-event.ts';
import { prepareMonths } from '../../src/metering/months.ts';
import { eventRecorder, type RecordEvents } from '../../src/metering/record-events.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { watchPlans, type Plan } from '../support/plans.ts';
import { reporter } from '../support/reports.ts';

let database: TestDatabase;
let plans: Plan[];
let record: RecordEvents;
beforeAll(async () => {
  database = await freshDatabase();
  plans = await watchPlans(database.pool);
  record = eventRecorder({ db: database.db, parse: eventParser(1000) });
});
afterAll(async () => await database.drop());

const say = reporter();
const created = (account: string) =>
  say('account.created', '2026-01-01T00:00:00Z', { account, email: 'o@w.example' });
const scaled = (account: string, time: string) =>
  say('app.scaled', time, { account, app: 'web', replicas: 1, size: 1 });

async function eventsByMonth(account: string): Promise<Record<string, number>> {
  const { rows } = await sql<{ month: string; count: bigint }>`
    select tableoid::regclass::text as month, count(*) from event where account_id = ${account}
    group by 1 order by 1`.execute(database.db);
  return Object.fromEntries(rows.map(({ month, count }) => [month, Number(count)]));
}

test('events lie in the month they were recorded in, those that came before it was made, too', async () => {
  await record(new Date('2026-01-31T23:59:59Z'), [
    created('early'),
    scaled('early', '2026-01-31T00:00:00Z'),
  ]);
  await record(new Date('2026-02-01T00:00:00Z'), [scaled('early', '2026-01-31T12:00:00Z')]);
  expect(await eventsByMonth('early')).toEqual({ event_of_other_months: 3 });
  const made = await prepareMonths(database.db, new Date('2026-03-15T00:00:00Z'));
  expect(made).toEqual(['2026-01', '2026-02', '2026-03', '2026-04', '2026-05']);
  await record(new Date('2026-03-31T23:59:59.999Z'), [scaled('early', '2026-03-31T00:00:00Z')]);
  expect(await eventsByMonth('early')).toEqual({
    event_of_2026_01: 2,
    event_of_2026_02: 1,
    event_of_2026_03: 1,
  });
});

test('a month is made once, however many processes make it, while events are recorded', async () => {
  const now = new Date('2027-03-15T00:00:00Z');
  await record(now, [created('busy')]);
  const recordAll = async (): Promise<void> => {
    for (let day = 1; day <= 20; day += 1) {
      await record(now, [scaled('busy', `2027-02-${String(day).padStart(2, '0')}T00:00:00Z`)]);
    }
  };
  const made = (
    await Promise.all([
      recordAll(),
      ...Array.from({ length: 4 }, async () => await prepareMonths(database.db, now)),
    ])
  ).flatMap((months) => months ?? []);
  expect(made.toSorted()).toEqual(['2027-03', '2027-04', '2027-05']);
  const where = await eventsByMonth('busy');
  expect((where.event_of_2027_03 ?? 0) + (where.event_of_other_months ?? 0)).toBe(21);
  expect(await prepareMonths(database.db, now)).toEqual([]);
});

test('recording in order visits the newest month only; what is late finds its neighbours in any', async () => {
  const now = new Date('2026-04-10T00:00:00Z');
  await record(new Date('2026-02-10T00:00:00Z'), [
    created('kept'),
    scaled('kept', '2026-02-10T00:00:00Z'),
  ]);
  await record(now, [scaled('kept', '2026-04-01T00:00:00Z')]);
  const months = (): string[] =>
    [
      ...new Set(plans.flatMap(({ nodes }) => nodes.map((node) => node['Relation Name'] ?? ''))),
    ].filter((name) => name.startsWith('event_of_'));
  plans.length = 0;
  await record(now, [scaled('kept', '2026-04-02T00:00:00Z')]);
  expect(plans.length).toBeGreaterThan(0);
  expect(months()).toEqual([]);
  await record(now, [scaled('kept', '2026-02-20T00:00:00Z')]);
  expect(months()).toContain('event_of_2026_02');
});
