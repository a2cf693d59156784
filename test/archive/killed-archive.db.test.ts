import { readdir } from 'node:fs/promises';
import { sql } from 'kysely';
import { afterEach, expect, test } from 'vitest';
import { listMonths } from '../../src/archive/list-months.ts';
import { restoreMonth } from '../../src/archive/restore-month.ts';
import { verifyArchive } from '../../src/archive/verify-archive.ts';
import { partitionOf } from '../../src/metering/months.ts';
import { ARCHIVE_NOW as now, archiveWorld } from '../support/archives.ts';
import { endChildren, startChild } from '../support/child.ts';
import { until } from '../support/until.ts';

const world = archiveWorld();
const db = () => world.database().db;
afterEach(endChildren);

/** What the connections of the process that archives wait for: nothing where it has none. */
async function waitsOf(): Promise<readonly (string | null)[]> {
  const { rows } = await sql<{ wait: string | null }>`
    select wait_event_type as wait from pg_stat_activity
    where datname = current_database() and application_name = 'archive'`.execute(db());
  return rows.map(({ wait }) => wait);
}

test.each([
  ['while others are at work on events', 'event in access share mode', []],
  ['with a month taken out, but for the commit', 'archived_month in share mode', []],
  [
    'when two months have left',
    `${partitionOf('2024-08')} in access share mode`,
    ['2024-06', '2024-07'],
  ],
])('killed with -9 %s: nothing is lost, and the next run goes on', async (_, held, left) => {
  const before = await world.events();
  const holder = await world.database().pool.connect();
  await holder.query('begin');
  await holder.query(`lock table ${held}`);
  const { url } = world.database();
  const archiving = startChild('archive.ts', [url, `${now.getTime()}`, '2024-09', world.folder()]);
  for (const month of left) expect(await archiving.next()).toBe(month);
  await until('it waits for what we hold', async () => (await waitsOf()).includes('Lock'));
  archiving.kill('SIGKILL');
  await archiving.ended;
  await holder.query('commit');
  holder.release();
  await until('the server has given up on it', async () => (await waitsOf()).length === 0);

  const months = await listMonths(db());
  const archived = months.filter(({ state }) => state === 'archived').map(({ month }) => month);
  expect(archived).toEqual(left);
  if (left.length === 0) expect(await world.events()).toEqual(before);
  const others = (await world.archive('2024-09')).map(({ month }) => month);
  expect([...left, ...others]).toEqual(['2024-06', '2024-07', '2024-08']);

  const files = await verifyArchive(db(), world.folder());
  expect(files.map(({ damage }) => damage)).toEqual([undefined, undefined, undefined]);
  expect((await readdir(world.folder())).filter((name) => name.endsWith('.partial'))).toEqual([]);
  for (const month of [...left, ...others]) await restoreMonth(db(), month, world.folder());
  expect(await world.events()).toEqual(before);
});
