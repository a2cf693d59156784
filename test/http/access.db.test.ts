import { afterAll, beforeAll, expect, test } from 'vitest';
import { SCOPES, type Scope } from '../../src/accounts/api-key.ts';
import { issueOperatorKey, revokeKey } from '../../src/accounts/api-key-store.ts';
import { closeDuePeriods } from '../../src/invoicing/close-periods.ts';
import { reporter } from '../support/reports.ts';
import { openApi, type Api } from './support/api.ts';
import { dumpTables } from './support/dump.ts';
import { operationsOf, type Operation } from './support/operations.ts';

let api: Api;
let operations: Operation[];
let before: Record<string, string>;

/** Appears in whatever an answer would leak of the victim. */
const CANARY = 'canary-of-the-victim';

beforeAll(async () => {
  api = await openApi();
  const report = reporter();
  const account = 'victim';
  const events = [
    report('account.created', '2026-01-10T00:00:00Z', { account, email: `${CANARY}@a.example` }),
    report('account.created', '2026-01-10T00:00:00Z', {
      account: 'intruder',
      email: 'intruder@example.com',
    }),
    report('account.upgraded', '2026-01-10T00:00:00Z', { account }),
    report('app.deployed', '2026-01-10T00:00:00Z', { account, app: CANARY, replicas: 1, size: 1 }),
  ];
  await api.call({ method: 'POST', url: '/v1/events', key: api.keys.ingest, body: events });
  const { world, db, server } = api;
  await closeDuePeriods(db, world.clock(), { graceSeconds: 0n, onFailure: console.error });
  const { invoice_id: invoice } = await db
    .selectFrom('invoice')
    .select('invoice_id')
    .executeTakeFirstOrThrow();
  const names = {
    account,
    invoice,
    line: '1',
    source: 'controller',
    id: 'e-3',
    book: 'matrix',
    price: 'matrix',
    database: 'matrix',
  };
  operations = operationsOf(server, names);
  // Whoever is refused below is so before anything is written.
  before = await dumpTables(db);
});
afterAll(async () => await api.close());

/** Calls every operation with a key, and holds that nothing leaked or changed. */
async function expectAll(
  key: string | undefined,
  expected: (operation: Operation) => number,
): Promise<void> {
  for (const operation of operations) {
    const answer = await api.call({ ...operation.request, ...(key === undefined ? {} : { key }) });
    expect([operation.id, answer.status]).toEqual([operation.id, expected(operation)]);
    const text = JSON.stringify(answer.body);
    expect(text).not.toContain(CANARY);
    if (answer.status >= 400) {
      expect(answer.headers['content-type']).toMatch('application/problem+json');
      expect(answer.body).toMatchObject({ status: answer.status, code: expect.any(String) });
      expect(answer.body.detail).not.toBe('');
    }
  }
  expect(await dumpTables(api.db)).toEqual(before);
}

/** What each operation needs. */
const SCOPE_OF: Readonly<Record<string, Scope>> = {
  recordEvents: 'ingest',
  getEvent: 'read',
  putSnapshot: 'ingest',
  listSources: 'admin',
  expectSource: 'admin',
  heartbeat: 'ingest',
  setDatabaseConnection: 'ingest',
  listSignals: 'admin',
  acknowledgeSignals: 'admin',
  listAccounts: 'read',
  createAccount: 'admin',
  getAccount: 'read',
  deleteAccount: 'admin',
  confirmAccount: 'admin',
  upgradeAccount: 'billing',
  getTiers: 'read',
  listResources: 'read',
  getUsage: 'read',
  getRunRate: 'read',
  getForecast: 'read',
  previewInvoices: 'read',
  checkChange: 'read',
  quoteChange: 'read',
  listViolations: 'read',
  listInvoices: 'read',
  getInvoice: 'read',
  listInvoiceLines: 'read',
  listLineSegments: 'read',
  listCredits: 'read',
  grantCredit: 'billing',
  giveMoneyBack: 'billing',
  listPriceBooks: 'admin',
  addPriceBook: 'admin',
  withdrawPriceBook: 'admin',
  listAccountPrices: 'read',
  setAccountPrice: 'admin',
  endAccountPrice: 'admin',
  getPaymentMethod: 'read',
  setPaymentMethod: 'billing',
  startCheckout: 'billing',
  getMetrics: 'admin',
};

const scopeOf = ({ id }: Operation): Scope | undefined => SCOPE_OF[id];

test('the table of scopes names every operation', () => {
  expect(operations.map(({ id }) => id).toSorted()).toEqual(Object.keys(SCOPE_OF).toSorted());
});

test('without a key every operation answers 401', async () => {
  await expectAll(undefined, () => 401);
});

test('with a key nobody has every operation answers 401', async () => {
  await expectAll(`gm_${'A'.repeat(43)}`, () => 401);
  await expectAll('gm_short', () => 401);
});

test('with a key of another account every operation answers 404 or 403', async () => {
  const key = await api.accountKey('intruder');
  before = await dumpTables(api.db);
  await expectAll(key, ({ id, path }) => {
    if (path.includes('{account}')) return 404;
    if (id === 'getEvent') return 404;
    if (id === 'listAccounts') return 200;
    return 403;
  });
});

test.each(SCOPES)('a key with all scopes but %s answers 403 where it is needed', async (scope) => {
  const scopes = SCOPES.filter((one) => one !== scope);
  const key = await issueOperatorKey(api.db, api.world.clock(), { scopes, label: 'partial' });
  const needy = operations.filter((operation) => scopeOf(operation) === scope);
  expect(needy.length).toBeGreaterThan(0);
  const all = operations;
  before = await dumpTables(api.db);
  operations = needy;
  await expectAll(key.secret, () => 403).finally(() => (operations = all));
});

test('from the moment a key is revoked every operation answers 401', async () => {
  const { db, world } = api;
  const key = await issueOperatorKey(db, world.clock(), { scopes: [...SCOPES], label: 'leaked' });
  const read = { url: '/v1/accounts/victim', key: key.secret };
  expect(await api.call(read)).toMatchObject({ status: 200 });
  await revokeKey(db, world.clock(), key.keyId);
  before = await dumpTables(db);
  await expectAll(key.secret, () => 401);
});

test('a key is good for 365 days, to the last second of them', async () => {
  const { db, world } = api;
  const made = new Date(world.clock().getTime() - 365 * 86_400_000);
  const scopes = [...SCOPES];
  const expired = await issueOperatorKey(db, made, { scopes, label: 'expired' });
  const last = new Date(made.getTime() + 1000);
  const expiring = await issueOperatorKey(db, last, { scopes, label: 'expiring' });
  before = await dumpTables(db);
  await expectAll(expired.secret, () => 401);
  const read = { url: '/v1/accounts/victim' };
  expect(await api.call({ ...read, key: expiring.secret })).toMatchObject({ status: 200 });
  expect(await api.call({ ...read, key: expired.secret })).toMatchObject({ status: 401 });
});

test("an account's own key reads all of its own", async () => {
  const key = await api.accountKey('victim');
  for (const operation of operations.filter((one) => scopeOf(one) === 'read')) {
    const { status } = await api.call({ ...operation.request, key });
    const isMissingCard = operation.id === 'getPaymentMethod';
    expect([operation.id, status]).toEqual([operation.id, isMissingCard ? 404 : 200]);
  }
});

test('no key is stored in clear', async () => {
  const { rows } = await api.world.database.pool.query<{ row: string }>(
    'select k::text as row from api_key k',
  );
  const stored = JSON.stringify(rows);
  for (const key of Object.values(api.keys)) expect(stored).not.toContain(key.slice(3));
});
