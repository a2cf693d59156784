import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { closeDuePeriods } from '../../src/invoicing/close-periods.ts';
import { listInvoices } from '../../src/invoicing/list-invoices.ts';
import { rebuildSeries } from '../../src/metering/series/rebuild-series.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';

const ACCOUNT = 'large';
const SIGNED_UP = Date.UTC(2026, 0, 1) / 1000;
const MONTHS_END = new Date('2026-07-01T00:00:00Z');
const EVENTS = 120_000;
/** The program and its libraries take most of it: an account of 200,000 is proven in 44 as well. */
const HEAP_MB = 64;

let database: TestDatabase;
const folder = mkdtempSync(path.join(tmpdir(), 'large-'));
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await database.drop();
});

/** Six months of apps that are scaled, and of jobs; all of it closed. */
async function seed(): Promise<void> {
  const { db } = database;
  const end = MONTHS_END.getTime() / 1000;
  await sql`
    insert into account (account_id, email, signed_up_at, upgraded_at, next_close_at, last_cut_at)
    values (${ACCOUNT}, 'owner@large.example', ${SIGNED_UP}, ${SIGNED_UP},
      extract(epoch from timestamptz '2026-02-01 00:00Z')::bigint, ${SIGNED_UP})`.execute(db);
  await sql`
    insert into event (account_id, source, event_id, type, at, tie, details, recording, recorded_at)
    select ${ACCOUNT}, 'seed', type, type, ${SIGNED_UP}, '',
      case type when 'account.created' then '{"email":"owner@large.example"}'::jsonb end,
      nextval('event_recording'), to_timestamp(${SIGNED_UP}::bigint)
    from unnest(array['account.created', 'account.upgraded']) as type`.execute(db);
  await sql`
    insert into event (account_id, source, event_id, type, at, tie, meter, resource, app, level, size_tenths,
      recording, recorded_at)
    select ${ACCOUNT}, 'seed', n::text, case n % 5 when 0 then 'job.started' else 'app.scaled' end, at, '',
      case n % 5 when 0 then 'job' else 'app' end, case n % 5 when 0 then 'job ' || n else app end, app,
      case n % 5 when 0 then 1 else 10 * (n % 7) end, 10, nextval('event_recording'), to_timestamp(at)
    from generate_series(1, ${EVENTS}::bigint) as n, lateral (
      select 'app ' || n % 3 as app, ${SIGNED_UP}::bigint + n * ${end - SIGNED_UP - 1}::bigint / ${EVENTS}::bigint
        as at) as what`.execute(db);
  await sql`
    insert into event_identity
    select account_id, source, event_id, substr(sha256(event_id::bytea), 1, 16), recording, recorded_at
    from event`.execute(db);
  await sql`analyze`.execute(db);
  await rebuildSeries(db, [ACCOUNT], false);
  await closeDuePeriods(db, MONTHS_END, {
    graceSeconds: 0n,
    onFailure: (_account, error) => {
      throw error;
    },
  });
}

test('an account of 120,000 events is proven in a heap that would not hold them', async () => {
  await seed();
  const invoices = await listInvoices(database.db, ACCOUNT);
  expect(invoices).toHaveLength(6);
  const last = invoices.at(-1)!;
  const bundle = path.join(folder, 'bundle.jsonl');
  const proven = spawnSync(
    process.execPath,
    [
      `--max-old-space-size=${HEAP_MB}`,
      '--import',
      'tsx',
      'test/support/processes/prove.ts',
      database.url,
      ACCOUNT,
      last.invoiceId,
      bundle,
    ],
    { encoding: 'utf8' },
  );
  expect(proven.stderr).toBe('');
  expect(JSON.parse(proven.stdout)).toMatchObject({
    sealedEvents: String(EVENTS + 2),
    invoices: 6,
    breaks: [],
    discrepancies: [],
  });
  const script = spawnSync(process.execPath, ['tools/verify-bundle.mjs', bundle], {
    encoding: 'utf8',
  });
  expect(script.stdout).toContain(`proven  ${last.invoiceId}`);
});
