import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { collectDue } from '../../src/dunning/collect-due.ts';
import { closeDuePeriods } from '../../src/invoicing/close-periods.ts';
import { eventParser } from '../../src/events/parse-event.ts';
import { makeSignInLink } from '../../src/login/sign-in-link.ts';
import { reviewParked } from '../../src/metering/review-parked.ts';
import { platformRecording } from '../../src/platform/recording.ts';
import { processStripeEvents } from '../../src/stripe/news/process-stripe-events.ts';
import { refundDue } from '../../src/stripe/refunds/run-refund.ts';
import { openApi, type Api } from '../http/support/api.ts';
import { work } from '../stripe/support/drive.ts';
import { rowsRead, watchPlans, type Plan, type PlanNode } from '../support/plans.ts';
import { reporter } from '../support/reports.ts';
import { BUSY, seedYear } from '../support/year.ts';

/** What grows as long as the service lives. */
const EVENTS = 'event_of_other_months';
const HISTORY = [
  EVENTS,
  'event_identity',
  'checkpoint',
  'billing_period',
  'invoice',
  'invoice_line',
  'ledger_entry',
];
const ACCOUNTS = 300;
/** The statistics then say ten million events. */
const SIZE = { accounts: ACCOUNTS, busyEvents: 30_000, times: 270 };

let api: Api;
let plans: Plan[];
beforeAll(async () => {
  api = await openApi();
  plans = await watchPlans(api.world.database.pool);
  await seedYear(api.db, SIZE);
  await api.call({ url: '/v1/accounts', key: api.keys.read });
});
beforeEach(() => {
  plans.length = 0;
});
// The invoices of the year were not made by a close.
afterAll(async () => await api.close({ isBroken: true }));

function visits(): (PlanNode & { readonly statement: string })[] {
  return plans.flatMap(({ statement, nodes }) =>
    nodes
      .filter((node) => HISTORY.includes(node['Relation Name'] ?? ''))
      .filter((node) => node['Node Type'] !== 'ModifyTable')
      .map((node) => ({ statement, ...node })),
  );
}

/** No table is read from end to end, events are reached by account, and no more rows than so many are read. */
function expectFlat(mostEvents: number, mostRows: number): void {
  expect(plans.length).toBeGreaterThan(0);
  const all = visits();
  expect(all.filter((node) => node['Node Type'].includes('Seq Scan'))).toEqual([]);
  const ofEvents = all.filter((node) => node['Relation Name'] === EVENTS);
  for (const node of ofEvents) {
    // What was recorded lately, whose it may be.
    if ((node['Recheck Cond'] ?? node['Index Cond'])?.includes('recorded_at >') === true) continue;
    expect(node['Index Cond'] ?? node['Recheck Cond'], node.statement).toContain('account_id');
  }
  const sum = (nodes: readonly PlanNode[]): number =>
    nodes.reduce((total, node) => total + rowsRead(node), 0);
  expect(sum(ofEvents)).toBeLessThanOrEqual(mostEvents);
  expect(sum(all)).toBeLessThanOrEqual(mostRows);
}

for (const path of [
  '',
  '/usage',
  '/usage?from=2025-06-01T00:00:00Z&to=2026-02-09T00:00:00Z',
  '/run-rate',
  '/forecast',
  '/preview',
  '/tiers',
  '/credits',
  '/violations',
  '/invoices?limit=2',
  `/invoices/${BUSY}1765324800`,
  `/invoices/${BUSY}1765324800/lines`,
]) {
  test(`GET /v1/accounts/{account}${path} reads no history`, async () => {
    const { status } = await api.call({ url: `/v1/accounts/${BUSY}${path}`, key: api.keys.read });
    expect(status).toBe(200);
    // A window that begins in mid-period adds up the events since the checkpoint before it.
    expectFlat(path.startsWith('/usage?') ? 6_000 : 0, path.startsWith('/usage?') ? 6_100 : 60);
  });
}

test.each([
  [`/account/${BUSY}`],
  [`/account/${BUSY}?levels=1&what=app:app 1&replicas=3&size=0.5`],
  [`/account/${BUSY}/invoices/${BUSY}1765324800`],
  ['/operator'],
  [`/operator/accounts?q=${BUSY.slice(0, 2)}`],
  [`/operator/accounts/${BUSY}`],
  ['/operator/events'],
  ['/operator/actions'],
])('the page %s reads no history', async (url) => {
  const { path } = await makeSignInLink(api.db, api.world.clock(), {
    accountId: undefined,
    actor: 'alice',
  });
  const { headers } = await api.server.inject({
    method: 'POST',
    url: '/sign-in/link',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: path.split('?')[1]!,
  });
  const cookie = String(headers['set-cookie']).split(';')[0]!;
  // PostgreSQL plans what is prepared for any values after some calls.
  for (let call = 1; call <= 7; call += 1) {
    plans.length = 0;
    const { statusCode } = await api.server.inject({ url, headers: { cookie } });
    expect(statusCode).toBe(200);
    expectFlat(100, 200);
  }
});

test('asking what became of an event reads that event', async () => {
  const { status } = await api.call({
    url: `/v1/events/seed/15000?account=${BUSY}`,
    key: api.keys.read,
  });
  expect(status).toBe(200);
  expectFlat(10, 30);
});

const say = reporter('controller');
const scaled = (account: string, time: string) =>
  say('app.scaled', time, { account, app: 'app 1', replicas: 2, size: 1 });

test.each([
  ['in order', [scaled(BUSY, '2026-02-10T00:30:00Z'), scaled('account 7', '2026-02-10T00:40:00Z')]],
  ['a month late', [scaled(BUSY, '2026-01-11T00:00:00Z')]],
  ['three months late', [scaled(BUSY, '2025-11-11T00:00:00Z')]],
  ['once more', [scaled(BUSY, '2026-02-10T00:50:00Z')]],
])('recording events %s reads their neighbours', async (what, reports) => {
  const record = async () =>
    await api.call({ method: 'POST', url: '/v1/events', key: api.keys.ingest, body: reports });
  if (what === 'once more') {
    await record();
    plans.length = 0;
  }
  expect((await record()).status).toBe(200);
  expectFlat(6, 20);
});

test('closing the month of all accounts reads their last period, and what was late', async () => {
  const closed = await closeDuePeriods(api.db, new Date('2026-02-10T02:00:00Z'), {
    graceSeconds: 3600n,
    chunkSize: 50,
    onFailure: (account, error) => {
      throw new Error(`${account} was not closed`, { cause: error });
    },
  });
  expect(closed).toEqual({ periods: ACCOUNTS + 1, invoices: ACCOUNTS + 1 });
  // The late event of November changed three closed periods; the ledger holds one payment a month.
  expectFlat(20, (ACCOUNTS + 1) * 16 + 100);
});

test('looking for work finds it without looking at what is done', async () => {
  const { context } = api.world;
  await work({
    ...context,
    gateway: { send: async () => ({ outcome: 'barred', reason: 'none' }) },
  });
  await collectDue(context);
  await refundDue(context);
  await processStripeEvents(context);
  await reviewParked({ db: api.db, ...platformRecording(eventParser(1000)) }, api.world.clock());
  expectFlat(0, (ACCOUNTS + 1) * 10);
});
