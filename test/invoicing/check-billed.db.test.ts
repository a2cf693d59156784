import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventParser } from '../../src/events/parse-event.ts';
import { checkBilled } from '../../src/invoicing/check-billed.ts';
import { closeDuePeriods } from '../../src/invoicing/close-periods.ts';
import { eventRecorder, type RecordEvents } from '../../src/metering/record-events.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { reporter } from '../support/reports.ts';

const recordedAt = new Date('2026-01-10T00:00:00Z');
let database: TestDatabase;
let record: RecordEvents;
beforeAll(async () => {
  database = await freshDatabase();
  record = eventRecorder({ db: database.db, parse: eventParser(1000) });
});
afterAll(async () => await database.drop());

async function close(at: string): Promise<void> {
  const onFailure = (account: string, error: unknown) => {
    throw new Error(account, { cause: error });
  };
  await closeDuePeriods(database.db, new Date(at), { graceSeconds: 0n, onFailure });
}

/** Runs 1 × 0.5 from January on, with a database of 0.6; January and February are closed. */
async function billedAccount(account: string) {
  const say = reporter(account);
  const at = '2026-01-01T00:00:00Z';
  await record(recordedAt, [
    say('account.created', at, { account, email: 'p@payer.example' }),
    say('account.upgraded', '2026-01-05T00:00:00Z', { account }),
    say('app.deployed', at, { account, app: 'web', replicas: 1, size: 0.5 }),
    say('database.available', at, { account, app: 'web', database: 'db', size: 0.6 }),
  ]);
  await close('2026-03-01T00:00:00Z');
  return say;
}

async function otherwise(accountId: string, since = 0n): Promise<[bigint, bigint][]> {
  const [one, all] = [
    await checkBilled(database.db, { accountId, since }),
    await checkBilled(database.db, { accountId: undefined, since }),
  ];
  expect(all.filter((found) => found.accountId === accountId)).toEqual(one);
  return one.map(({ periodStart, cents }) => [periodStart, cents]);
}

const JANUARY = BigInt(Date.UTC(2026, 0, 1) / 1000);
const FEBRUARY = BigInt(Date.UTC(2026, 1, 1) / 1000);

test('invoices that bill what their series say are not reported', async () => {
  await billedAccount('well');
  expect(await otherwise('well')).toEqual([]);
});

test('a series that was changed behind our back is reported per period, in cents', async () => {
  await billedAccount('changed');
  const multiply = async (by: string) =>
    await sql`update series set level = level * ${sql.raw(by)}, offset_units = offset_units * ${sql.raw(by)}
      where account_id = 'changed' and meter = 'app'`.execute(database.db);
  await multiply('2');
  await sql`delete from checkpoint where account_id = 'changed'`.execute(database.db);
  expect(await otherwise('changed')).toEqual([
    [JANUARY, 2178n],
    [FEBRUARY, 2258n],
  ]);
  expect(await otherwise('changed', FEBRUARY)).toEqual([[FEBRUARY, 2258n]]);
  await multiply('0.5');
  expect(await otherwise('changed')).toEqual([]);
});

test('late facts are no difference: before the next invoice they wait, after it they are billed', async () => {
  const account = 'late';
  const say = await billedAccount(account);
  const scaled = { account, app: 'web', replicas: 2, size: 0.5 };
  await record(new Date('2026-03-05T00:00:00Z'), [
    say('app.scaled', '2026-02-15T00:00:00Z', scaled),
  ]);
  expect(await otherwise(account)).toEqual([]);
  await close('2026-04-01T00:00:00Z');
  expect(await otherwise(account)).toEqual([]);
});
