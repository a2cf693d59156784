import { sql } from 'kysely';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { prepareMonths } from '../../src/metering/months.ts';
import { closeDuePeriods } from '../../src/invoicing/close-periods.ts';
import { readerOf, type ReadAs } from '../../src/database/row-level-security.ts';
import { reporter } from '../support/reports.ts';
import { basic } from './api/support/terminal.ts';
import { openApi, type Api, type Call } from './support/api.ts';
import { operationsOf } from './support/operations.ts';

let api: Api;
let readAs: ReadAs;
/** Of the account `own`. */
let key: string;
/** Tables and views that name an account in each row. */
let tables: string[];

beforeAll(async () => {
  api = await openApi({ log: pino({ level: 'silent' }) });
  const { db, world, keys } = api;
  readAs = readerOf(db, true);
  const report = reporter();
  const at = '2026-01-10T00:00:00Z';
  const body = ['own', 'other'].flatMap((account) => [
    report('account.created', at, { account, email: `${account}@a.example` }),
    report('account.upgraded', at, { account }),
    report('app.deployed', at, { account, app: account, replicas: 1, size: 1 }),
    report('app.deleted', at, { account, app: 'nowhere' }),
  ]);
  await api.call({ method: 'POST', url: '/v1/events', key: keys.ingest, body });
  await closeDuePeriods(db, world.clock(), { graceSeconds: 0n, onFailure: console.error });
  await prepareMonths(db, world.clock());
  key = await api.accountKey('own');
  const { rows } = await sql<{ name: string }>`
    select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v')
      and a.attname = 'account_id'
    order by 1`.execute(db);
  tables = rows.map(({ name }) => name);
});
afterAll(async () => await api.close());

test('a query that names no account finds the rows of one, or is refused', async () => {
  const readable: string[] = [];
  for (const name of tables) {
    const read = readAs('own', async (db) => {
      const { rows } = await sql<{ account: string }>`
        select account_id as account from ${sql.table(name)}`.execute(db);
      return rows.map(({ account }) => account);
    });
    const accounts = await read.catch((error: unknown) => String(error));
    if (typeof accounts === 'string') {
      expect([name, accounts]).toEqual([name, expect.stringContaining('permission denied')]);
      continue;
    }
    expect([name, accounts.filter((account) => account !== 'own')]).toEqual([name, []]);
    if (accounts.length > 0) readable.push(name);
  }
  for (const name of ['account', 'event', 'series', 'invoice', 'invoice_line', 'parked_event']) {
    expect(readable).toContain(name);
  }
  for (const name of ['api_key', 'login']) expect(readable).not.toContain(name);
});

test('the role that reads for an account owns nothing, writes nothing, and is left again', async () => {
  const owned = await sql`
    select from pg_class where pg_get_userbyid(relowner) = 'gigameter_account'`.execute(api.db);
  expect(owned.rows).toEqual([]);
  for (const name of tables) {
    const { rows } = await sql<{ may: boolean }>`
      select has_table_privilege('gigameter_account', ${name}, 'INSERT, UPDATE, DELETE') as may`.execute(
      api.db,
    );
    expect([name, rows[0]!.may]).toEqual([name, false]);
  }
  const everybody = await readAs(undefined, async (db) =>
    db.selectFrom('account').select('account_id').execute(),
  );
  expect(everybody).toHaveLength(2);
});

test('every table of accounts has its policy', async () => {
  const { rows } = await sql`
    select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
      and a.attname = 'account_id' and not (c.relrowsecurity and exists (
        select from pg_policy p where p.polrelid = c.oid and p.polname = 'own_rows'))`.execute(
    api.db,
  );
  expect(rows).toEqual([]);
});

/** What the CLI reads of an account; its app is called like it. */
const READ_BY_CLI = [
  'users',
  'payment_methods',
  'usage',
  'usage/run_rate',
  'invoices',
  'apps',
  'apps/own',
  'apps/own/status',
  'apps/own/databases',
  'apps/own/permissions',
];

test('on every route an account is read under that role, or not at all', async () => {
  const ids = { invoice: 'inv_0', line: '1', source: 's', id: 'e', price: 'p', book: 'b' };
  const readByKey = operationsOf(api.server, { ...ids, account: 'own', database: 'd' })
    .filter(({ method, path, id }) => {
      const isOfAccount = path.includes('{account}') || id === 'listAccounts' || id === 'getEvent';
      return isOfAccount && (method === 'GET' || id === 'checkChange' || id === 'quoteChange');
    })
    .map(({ request }) => ({ ...request, url: request.url.split('?')[0]!, key }));
  const authorization = basic('own@a.example', key);
  const readByCli = READ_BY_CLI.map((path) => ({
    url: `/api/${path}`,
    headers: { authorization },
  }));
  const reads: Call[] = [...readByKey, ...readByCli];
  expect(reads.length).toBeGreaterThan(25);
  const status = async (): Promise<[string, number][]> =>
    await Promise.all(
      reads.map(async (read) => [read.url, (await api.call(read)).status] as [string, number]),
    );
  for (const [url, before] of await status()) expect([url, before]).toSatisfy(() => before < 500);
  await sql`revoke select on all tables in schema public from gigameter_account`.execute(api.db);
  expect(await status()).toEqual(reads.map(({ url }) => [url, 500]));
});
