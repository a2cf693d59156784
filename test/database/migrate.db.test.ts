import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { migrate, pendingMigrations } from '../../src/database/migrate.ts';
import { endChildren, startChild } from '../support/child.ts';
import { emptyDatabase, freshDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let folder: string;

beforeEach(async () => {
  database = await emptyDatabase();
  folder = await mkdtemp(path.join(tmpdir(), 'gigameter-migrations-'));
});

afterEach(async () => {
  await endChildren();
  await database.drop();
  await rm(folder, { recursive: true });
});

test('pending migrations are applied in the order of their names, and only once', async () => {
  await write('0002-b', 'alter table a add column b int');
  await write('0001-a', 'create table a ()');
  expect(await pendingMigrations(database.pool, { folder })).toEqual(['0001-a', '0002-b']);
  expect(await migrate(database.pool, { folder })).toEqual({ applied: ['0001-a', '0002-b'] });
  expect(await migrate(database.pool, { folder })).toEqual({ applied: [] });
  await write('0003-c', 'create table c ()');
  expect(await pendingMigrations(database.pool, { folder })).toEqual(['0003-c']);
  expect(await migrate(database.pool, { folder })).toEqual({ applied: ['0003-c'] });
  expect(await pendingMigrations(database.pool, { folder })).toEqual([]);
});

test('processes that migrate one database at the same moment apply each migration once', async () => {
  // Slow enough that the others arrive while the first is at it.
  await write('0001-a', 'create table a (); select pg_sleep(1)');
  await write('0002-b', 'create table b ()');
  const children = [1, 2, 3].map(() => startChild('migrate.ts', [database.url, folder]));
  const applied = await Promise.all(children.map(async (child) => await child.next<string[]>()));
  expect(applied.flat().toSorted()).toEqual(['0001-a', '0002-b']);
  expect(await Promise.all(children.map(async ({ ended }) => await ended))).toEqual([0, 0, 0]);
});

test('a migration that fails is named with its reason, and nothing of the run stays', async () => {
  await write('0001-a', 'create table a ()');
  await write('0002-b', 'alter table missing add column b int');
  await expect(migrate(database.pool, { folder })).rejects.toThrow(
    'Migration 0002-b failed: relation "missing" does not exist. Nothing was changed.',
  );
  expect(await pendingMigrations(database.pool, { folder })).toEqual(['0001-a', '0002-b']);
  await write('0002-b', 'create table b ()');
  const retried = await mkdtemp(`${folder}-`);
  await write('0001-a', 'create table a ()', retried);
  await write('0002-b', 'create table b ()', retried);
  expect((await migrate(database.pool, { folder: retried })).applied).toHaveLength(2);
  await rm(retried, { recursive: true });
});

test('a database newer than the code is refused by an error that says so', async () => {
  await write('0001-a', 'create table a ()');
  await write('0002-b', 'create table b ()');
  await migrate(database.pool, { folder });
  await rm(path.join(folder, '0002-b.js'));
  const message = 'The database is newer than this version of gigameter: it has 0002-b';
  await expect(migrate(database.pool, { folder })).rejects.toThrow(message);
  await expect(pendingMigrations(database.pool, { folder })).rejects.toThrow(message);
});

test("a clone of the template has all of the project's own migrations", async () => {
  const clone = await freshDatabase();
  expect(await pendingMigrations(clone.pool)).toEqual([]);
  const unmigrated = await pendingMigrations(database.pool);
  expect(unmigrated.length).toBeGreaterThan(0);
  await clone.drop();
});

async function write(name: string, statements: string, into = folder): Promise<void> {
  const lines = [
    'export async function up(db) {',
    ...statements.split(';').map((sql) => {
      const query = { sql: sql.trim(), parameters: [], query: { kind: 'RawNode' }, queryId: {} };
      return `  await db.executeQuery(${JSON.stringify(query)});`;
    }),
    '}',
  ];
  await writeFile(path.join(into, `${name}.js`), lines.join('\n'));
}
