import { afterAll, beforeAll, expect, test } from 'vitest';
import { rebuildSeries } from '../../src/metering/series/rebuild-series.ts';
import { openRecorder } from '../../src/service/open-recorder.ts';
import { eventParser } from '../../src/events/parse-event.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { reporter } from '../support/reports.ts';

const NOW = new Date('2026-04-01T00:00:00Z');
const ACCOUNTS = ['acme', 'beta', 'gamma'];
const ROUNDS = 40;
let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(async () => await database.drop());

test('while it is rebuilt over and over, every event that comes counts once', async () => {
  const { db } = database;
  const record = openRecorder(db, { parse: eventParser(1000) });
  const say = reporter();
  await record(
    NOW,
    ACCOUNTS.map((account) =>
      say('account.created', '2026-01-01T00:00:00Z', { account, email: 'o@acme.example' }),
    ),
  );
  let isDone = false;
  let rebuilds = 0;
  const rebuild = async (): Promise<void> => {
    while (!isDone) {
      expect(await rebuildSeries(db, ACCOUNTS, false)).toEqual([]);
      rebuilds += 1;
    }
  };
  const report = async (): Promise<void> => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const outcomes = await record(
        NOW,
        ACCOUNTS.map((account) =>
          // Now and then one that is late.
          say('app.scaled', `2026-02-${round % 7 === 3 ? '01' : '02'}T00:00:${10 + round}Z`, {
            account,
            app: `app ${round % 3}`,
            replicas: round % 5,
            size: 1,
          }),
        ),
      );
      expect(outcomes.map(({ status }) => status)).toEqual(ACCOUNTS.map(() => 'recorded'));
    }
    isDone = true;
  };
  await Promise.all([rebuild(), report()]);
  expect(rebuilds).toBeGreaterThan(2);
  expect(await rebuildSeries(db, ACCOUNTS, true)).toEqual([]);
  const { rows } = await database.pool.query<{ count: bigint }>(
    `select count(*) from event where type = 'app.scaled'`,
  );
  expect(rows[0]!.count).toBe(BigInt(ROUNDS * ACCOUNTS.length));
});
