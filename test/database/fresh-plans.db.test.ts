import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventParser } from '../../src/events/parse-event.ts';
import { eventRecorder } from '../../src/metering/record-events.ts';
import { platformRecording } from '../../src/platform/recording.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { rowsRead, watchPlans, type Plan } from '../support/plans.ts';
import { reporter } from '../support/reports.ts';

const NOW = new Date('2026-03-01T00:00:00Z');
const BATCH = 200;
const EVENTS = 'event_of_other_months';
let database: TestDatabase;
let plans: Plan[];
beforeAll(async () => {
  database = await freshDatabase();
  plans = await watchPlans(database.pool);
  for (const table of [EVENTS, 'event_identity']) {
    await database.pool.query(`alter table ${table} set (autovacuum_enabled = off)`);
  }
});
afterAll(async () => await database.drop());

test.each(['account.upgraded', 'account.confirmed'])(
  'on new tables, of which the planner knows nothing, a batch reads no more of a busy account (%s) as it grows',
  async (type) => {
    const { db } = database;
    const record = eventRecorder({ db, ...platformRecording(eventParser(1000)) });
    const say = reporter(type);
    const account = `busy ${type}`;
    const at = '2026-01-01T00:00:00Z';
    await record(NOW, [
      say('account.created', at, { account, email: 'b@busy.example' }),
      say(type, at, { account }),
    ]);
    for (let batch = 0; batch < 8; batch += 1) {
      plans.length = 0;
      // All of one instant: each has to be put in its place among the others.
      const outcomes = await record(
        NOW,
        Array.from({ length: BATCH }, () =>
          say('app.scaled', '2026-02-01T00:00:00Z', {
            account,
            app: 'web',
            replicas: 1,
            size: 0.2,
          }),
        ),
      );
      expect(outcomes.every(({ status }) => status === 'recorded')).toBe(true);
      const read = plans
        .flatMap(({ nodes }) => nodes)
        .filter(
          (node) =>
            [EVENTS, 'event_identity'].includes(node['Relation Name'] ?? '') &&
            node['Node Type'] !== 'ModifyTable',
        )
        .reduce((sum, node) => sum + rowsRead(node), 0);
      expect(read).toBeLessThanOrEqual(4 * BATCH);
    }
  },
);

/** As the server checks a foreign key, by a plan that each session makes once and keeps while tables grow. */
const FOREIGN_KEY =
  'select 1 from only billing_period x where account_id = $1 and start_at = $2 for key share of x';

test('what a foreign key refers to is found by an index even while its table is small', async () => {
  const { pool } = database;
  await pool.query(`
    insert into account (account_id, email, signed_up_at, last_cut_at)
    select 'small-' || number, 'o@small.example', 0, 0 from generate_series(1, 250) as number`);
  await pool.query(`
    insert into billing_period (account_id, start_at, end_at, tier, closed_at)
    select account_id, 0, 1, 'FREE', now() from account where account_id like 'small-%'`);
  await pool.query('analyze billing_period');
  const client = await pool.connect();
  try {
    await client.query('set plan_cache_mode = force_generic_plan');
    await client.query(`prepare foreign_key (text, bigint) as ${FOREIGN_KEY}`);
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(
      "explain execute foreign_key ('small-1', 0)",
    );
    expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toContain('Index Scan using');
  } finally {
    client.release(true);
  }
});
