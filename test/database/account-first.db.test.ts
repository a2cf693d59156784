import { afterAll, beforeAll, expect, test } from 'vitest';
import { freshDatabase, type TestDatabase } from '../support/database.ts';

/**
 * What is looked up by something else than an account, and so stays on one node: the directory of keys, names
 * and sessions, what came in before its account is known, sources, Stripe's news and rates.
 */
const LOCAL = [
  'api_key',
  'app_name',
  'archived_month',
  'kysely_migration',
  'kysely_migration_lock',
  'login',
  'page_session',
  'quarantined_event',
  'sign_in_link',
  'sign_up',
  'snapshot',
  'source',
  'source_silence',
  'stripe_event',
  'stripe_rate',
];
/** Small, the same for all accounts, and read with them: a copy on every node. */
const REFERENCE = ['price_book'];

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(async () => await database.drop());

async function read<T extends object>(statement: string): Promise<T[]> {
  const { rows } = await database.pool.query<T>(statement, [[...LOCAL, ...REFERENCE]]);
  expect(rows.length).toBeGreaterThan(0);
  return rows;
}

test('every table is of an account, or known not to be', async () => {
  const rows = await read<{ relname: string; account: string | null }>(`
    select relname, a.attname as account from pg_class c
    left join pg_attribute a on attrelid = c.oid and attname = 'account_id' and not attisdropped
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and relname <> all ($1)`);
  expect(rows.filter(({ account }) => account === null)).toEqual([]);
  expect(rows.length).toBeGreaterThan(25);
});

test('keys of account tables begin with the account, and unique ones hold it', async () => {
  const rows = await read<{ name: string; first: string }>(`
    select i.relname as name, a.attname as first
    from pg_index x join pg_class i on i.oid = indexrelid join pg_class t on t.oid = indrelid
    left join pg_attribute a on attrelid = indrelid and attnum = indkey[0] and attnum > 0
    where indisunique and t.relnamespace = 'public'::regnamespace and t.relname <> all ($1)`);
  expect(rows.filter(({ first }) => first !== 'account_id')).toEqual([]);
});

test('exclusions between rows are within an account', async () => {
  const rows = await read<{ name: string; first: string }>(`
    select conname as name, attname as first
    from pg_constraint join pg_class t on t.oid = conrelid
    join pg_attribute on attrelid = conrelid and attnum = conkey[1]
    where contype = 'x' and relname <> all ($1)`);
  expect(rows.filter(({ first }) => first !== 'account_id')).toEqual([]);
});

test('foreign keys of account tables go from account to account, and none to another node', async () => {
  const rows = await read<{ name: string; from: string; to: string; target: string }>(`
    select conname as name, f.attname as from, r.attname as to, p.relname as target
    from pg_constraint join pg_class t on t.oid = conrelid join pg_class p on p.oid = confrelid
    join pg_attribute f on f.attrelid = conrelid and f.attnum = conkey[1]
    join pg_attribute r on r.attrelid = confrelid and r.attnum = confkey[1]
    where contype = 'f' and t.relname <> all ($1)`);
  expect(rows.filter(({ from, to }) => from !== 'account_id' || to !== 'account_id')).toEqual([]);
  expect(rows.filter(({ target }) => LOCAL.includes(target))).toEqual([]);
});

test('triggers of account tables look at nothing but rows of the same account', async () => {
  const rows = await read<{ name: string; source: string }>(`
    select tgname as name, prosrc as source
    from pg_trigger join pg_class t on t.oid = tgrelid join pg_proc p on p.oid = tgfoid
    where not tgisinternal and relname <> all ($1)`);
  const tables = /(?:select from|\bjoin|insert into|update) [a-z_]+/gi;
  for (const { name, source } of rows) {
    const visits = source.match(tables)?.length ?? 0;
    expect(source.split('account_id = new.account_id').length - 1, name).toBe(visits);
  }
});
