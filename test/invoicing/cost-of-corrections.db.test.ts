import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventParser } from '../../src/events/parse-event.ts';
import { closeDuePeriods } from '../../src/invoicing/close-periods.ts';
import { listInvoices } from '../../src/invoicing/list-invoices.ts';
import { eventRecorder, type RecordEvents } from '../../src/metering/record-events.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { watchPlans, type Plan } from '../support/plans.ts';
import { reporter } from '../support/reports.ts';

/** What grows with an account's history, and is read to bill it. */
const HISTORY = ['event', 'checkpoint', 'billing_period'];

let database: TestDatabase;
let record: RecordEvents;
let plans: Plan[];

beforeAll(async () => {
  database = await freshDatabase();
  plans = await watchPlans(database.pool);
  record = eventRecorder({ db: database.db, parse: eventParser(1000) });
});
afterAll(async () => await database.drop());

const DAY_MS = 86_400_000;

/** An account in STANDARD since `signedUp`, whose app is scaled every day until the end of 2025. */
async function scaledDaily(account: string, signedUp: string): Promise<void> {
  const say = reporter(account);
  const scaled = { account, app: 'web', size: 1 };
  const start = Date.parse(signedUp);
  const days = (Date.parse('2025-12-31T00:00:00Z') - start) / DAY_MS;
  const daily = Array.from({ length: Math.floor(days) }, (_, day) =>
    say('app.scaled', new Date(start + day * DAY_MS).toISOString(), {
      ...scaled,
      replicas: 1 + (day % 2),
    }),
  );
  const timely = new Date('2026-01-01T00:00:00Z');
  await record(timely, [
    say('account.created', signedUp, { account, email: 'o@sources.example' }),
    say('account.upgraded', signedUp, { account }),
    ...daily,
  ]);
  await close('2025-12-31T00:00:00Z');
}

async function close(until: string): Promise<void> {
  await closeDuePeriods(database.db, new Date(until), {
    graceSeconds: 0n,
    onFailure: (_account, error) => {
      throw error;
    },
  });
}

/** How many rows of each table a close works with; by which index it finds them, plans.db.test.ts looks at. */
async function rowsOfClose(until: string): Promise<Record<string, number>> {
  plans.length = 0;
  await close(until);
  const visits = plans
    .flatMap(({ nodes }) => nodes)
    .filter((node) => node['Node Type'] !== 'ModifyTable');
  return Object.fromEntries(
    HISTORY.map((table) => [
      table,
      visits
        .filter((node) => node['Relation Name'] === table)
        .reduce((sum, node) => sum + node['Actual Rows'] * node['Actual Loops'], 0),
    ]),
  );
}

async function corrections(account: string): Promise<readonly number[]> {
  const invoices = await listInvoices(database.db, account);
  return invoices.map(({ lines }) => lines.filter(({ kind }) => kind === 'adjustment').length);
}

test('correcting one period touches that one and no other, after four years as after four months', async () => {
  // A day apart, so that each closes by itself.
  await scaledDaily('old', '2022-01-01T00:00:00Z');
  await scaledDaily('young', '2025-09-02T00:00:00Z');
  const late = { app: 'web', replicas: 9, size: 1 };
  for (const account of ['old', 'young']) {
    await record(new Date('2026-01-01T00:00:00Z'), [
      reporter(`${account} too late`)('app.scaled', '2025-11-15T06:00:00Z', { ...late, account }),
    ]);
  }
  const old = await rowsOfClose('2026-01-01T00:00:00Z');
  const young = await rowsOfClose('2026-01-02T00:00:00Z');
  expect((await corrections('old')).at(-1)).toBe(1);
  expect((await corrections('young')).at(-1)).toBe(1);
  expect(old).toEqual(young);
  expect(young.billing_period).toBe(1);
  expect(young.event).toBeLessThan(10);
});

test('an account without late facts is closed without a look at its closed periods', async () => {
  const rows = await rowsOfClose('2026-02-01T00:00:00Z');
  expect(rows).toMatchObject({ billing_period: 0, event: 0 });
});
