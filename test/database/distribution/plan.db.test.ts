import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  DISTRIBUTED,
  DISTRIBUTION_COLUMN,
  DROPPED_FOREIGN_KEYS,
  DROPPED_TRIGGERS,
  LOCAL,
} from '../../../src/database/distribution/plan.ts';
import { freshDatabase, type TestDatabase } from '../../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(async () => await database.drop());

/** $1: the tables that are distributed, and their partitions. */
async function read<T extends object>(statement: string): Promise<T[]> {
  const { rows } = await database.pool.query<T>(statement, [[...DISTRIBUTED, ...PARTITIONS]]);
  expect(rows.length).toBeGreaterThan(0);
  return rows;
}
const PARTITIONS = ['event_of_other_months'];

test('the plan names every table once, and no other', async () => {
  const { rows } = await database.pool.query<{ name: string }>(
    `select relname as name from pg_class
      where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition`,
  );
  const planned: readonly string[] = [...DISTRIBUTED, ...Object.keys(LOCAL)];
  expect(planned.toSorted()).toEqual(rows.map(({ name }) => name).toSorted());
});

test('the column they lie by is never null and of one type, compared byte by byte', async () => {
  const rows = await read<{ table: string; kind: string }>(`
    select relname as table, format_type(atttypid, atttypmod) || ' ' || collname
      || case when attnotnull then ' not null' else '' end as kind
    from pg_class c left join pg_attribute a on attrelid = c.oid and attname = '${DISTRIBUTION_COLUMN}'
    left join pg_collation o on o.oid = attcollation
    where relkind in ('r', 'p') and relname = any ($1)`);
  expect(rows.filter(({ kind }) => kind !== 'text C not null')).toEqual([]);
  expect(rows).toHaveLength(DISTRIBUTED.length + PARTITIONS.length);
});

test('keys begin with the account, and so does every unique index and exclusion', async () => {
  const rows = await read<{ name: string; first: string }>(`
    select i.relname as name, a.attname as first
    from pg_index x join pg_class i on i.oid = indexrelid join pg_class t on t.oid = indrelid
    left join pg_attribute a on attrelid = indrelid and attnum = indkey[0] and attnum > 0
    where (indisunique or indisexclusion) and t.relname = any ($1)`);
  expect(rows.filter(({ first }) => first !== DISTRIBUTION_COLUMN)).toEqual([]);
});

test('foreign keys go from account to account, to tables that are distributed before', async () => {
  const rows = await read<{ table: string; from: string; to: string; target: string }>(`
    select t.relname as table, f.attname as from, r.attname as to, p.relname as target
    from pg_constraint join pg_class t on t.oid = conrelid join pg_class p on p.oid = confrelid
    join pg_attribute f on f.attrelid = conrelid and f.attnum = conkey[1]
    join pg_attribute r on r.attrelid = confrelid and r.attnum = confkey[1]
    where contype = 'f' and t.relname = any ($1)`);
  const turn = (table: string): number => DISTRIBUTED.findIndex((name) => name === table);
  const wrong = rows.filter(
    ({ table, from, to, target }) =>
      from !== DISTRIBUTION_COLUMN ||
      to !== DISTRIBUTION_COLUMN ||
      turn(target) === -1 ||
      turn(target) >= turn(table),
  );
  expect(wrong).toEqual([]);
});

test('foreign keys of local tables to distributed ones are known to be dropped', async () => {
  const rows = await read<{ table: string; name: string }>(`
    select t.relname as table, conname as name
    from pg_constraint join pg_class t on t.oid = conrelid join pg_class p on p.oid = confrelid
    where contype = 'f' and t.relname <> all ($1) and p.relname = any ($1)`);
  expect(rows.map(({ table, name }) => [table, name])).toEqual(DROPPED_FOREIGN_KEYS);
});

test('triggers refuse every change, or look at other tables and are known to be dropped', async () => {
  const rows = await read<{ table: string; name: string; source: string }>(`
    select relname as table, tgname as name, prosrc as source
    from pg_trigger join pg_class t on t.oid = tgrelid join pg_proc p on p.oid = tgfoid
    where not tgisinternal and relname = any ($1)`);
  const looking = rows.filter(({ source }) => /\b(select|insert|update|delete)\s/.test(source));
  expect(looking.map(({ table, name }) => [table, name])).toEqual(DROPPED_TRIGGERS);
  // Without Citus they stay, and look at rows of the same account only.
  const visits = /(?:select from|\bjoin|insert into|update) [a-z_]+/gi;
  for (const { name, source } of looking) {
    const own = source.split(`${DISTRIBUTION_COLUMN} = new.${DISTRIBUTION_COLUMN}`).length - 1;
    expect(own, name).toBe(source.match(visits)?.length ?? 0);
  }
});

test('numbers that the database draws are bigint', async () => {
  const { rows } = await database.pool.query<{ name: string; type: string }>(
    `select seqrelid::regclass::text as name, format_type(seqtypid, null) as type from pg_sequence`,
  );
  expect(rows.filter(({ type }) => type !== 'bigint')).toEqual([]);
  expect(rows.length).toBeGreaterThan(0);
});

test('policies ask nothing of other tables', async () => {
  const rows = await read<{ name: string; rule: string }>(`
    select relname as name, pg_get_expr(polqual, polrelid) as rule
    from pg_policy join pg_class t on t.oid = polrelid where relname = any ($1)`);
  expect(rows.filter(({ rule }) => /select/i.test(rule))).toEqual([]);
  expect(rows).toHaveLength(DISTRIBUTED.length + PARTITIONS.length);
});
