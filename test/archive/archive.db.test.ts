import { appendFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { checkMonth, writeMonth } from '../../src/archive/archive-months.ts';
import { dropMonth } from '../../src/archive/drop-month.ts';
import { archivedReader } from '../../src/archive/files/read-archived.ts';
import { listMonths } from '../../src/archive/list-months.ts';
import { restoreMonth } from '../../src/archive/restore-month.ts';
import { verifyArchive } from '../../src/archive/verify-archive.ts';
import { prepareMonths } from '../../src/metering/months.ts';
import { rebuildSeries } from '../../src/metering/series/rebuild-series.ts';
import { sealEvents } from '../../src/proof/seal-events.ts';
import { dumpTables } from '../http/support/dump.ts';
import { ARCHIVE_NOW as now, archiveWorld, OTHER } from '../support/archives.ts';

const world = archiveWorld();
const db = () => world.database().db;

test('whole months leave, once, and what is still asked for stays', async () => {
  for (const account of ['acme', OTHER]) await sealEvents(db(), account);
  const before = await dumpTables(db());
  const archived = await world.archive('2025-03');
  expect(archived.map((one) => one.month)).toEqual([
    '2024-06',
    '2024-07',
    '2024-08',
    '2024-09',
    '2024-10',
    '2024-11',
    '2024-12',
    '2025-01',
    '2025-02',
  ]);
  // Sign-ups, upgrades and the databases' apps: the levels of June were replaced by later ones.
  expect(archived[0]).toMatchObject({ rows: 20, accounts: 2, carried: 6 });
  expect(archived[1]).toMatchObject({ rows: 18, carried: 0 });
  expect(await world.month('2024-07')).toMatchObject({ state: 'archived', rows: 18n, carried: 0n });
  expect(await world.month('2025-03')).toMatchObject({ state: 'live', file: null });
  expect(await world.archive('2025-03')).toEqual([]);
  await prepareMonths(db(), now);
  expect(await world.month('2024-07')).toMatchObject({ state: 'archived' });
  const after = await dumpTables(db());
  for (const table of ['event_identity', 'invoice', 'invoice_line', 'series', 'database_app']) {
    expect(after[table], table).toBe(before[table]);
  }
  expect(await rebuildSeries(db(), ['acme', OTHER], false)).toEqual([]);
});

test('a month that bills may still depend on is refused, with what to do, and nothing changes', async () => {
  await expect(world.archive('2025-06')).rejects.toThrow(
    /^2025-05 is still needed: facts from 2025-05-10T00:00:00Z on .* archive months before 2025-05/,
  );
  await expect(world.archive('2026-07')).rejects.toThrow(
    /must not be after the present month, 2026-06/,
  );
  await world.database().pool.query(`update account set next_close_at = next_close_at - 86400 * 365
    where account_id = 'acme'`);
  world.isBroken();
  await expect(world.archive('2025-01')).rejects.toThrow(/close the periods that are due first/);
  expect((await listMonths(db())).map(({ state }) => state)).not.toContain('archived');
});

test('a file with one other byte is found, and nothing is dropped by it or read from it', async () => {
  await world.archive('2024-08');
  const [june] = await db().selectFrom('archived_month').selectAll().execute();
  const file = path.join(world.folder(), june!.file);
  const bytes = await readFile(file);
  expect((await verifyArchive(db(), world.folder())).map(({ damage }) => damage)).toEqual([
    undefined,
    undefined,
  ]);
  for (const at of [20, bytes.length - 20, bytes.length - 3]) {
    const changed = Buffer.from(bytes);
    changed[at]! ^= 1;
    await writeFile(file, changed);
    const [checked] = await verifyArchive(db(), world.folder());
    expect(checked).toMatchObject({ month: june!.month, damage: expect.any(String) });
    await expect(restoreMonth(db(), june!.month, world.folder())).rejects.toThrow(
      /is not the file of/,
    );
    await expect(archivedReader(db(), world.folder())).rejects.toThrow(/is not the file of/);
  }
  await rm(file);
  expect((await verifyArchive(db(), world.folder()))[0]).toMatchObject({
    damage: expect.stringContaining('cannot be read'),
  });
});

test('what was left by a run that was killed does not keep the next one from its work', async () => {
  // Written in part; then whole, with another month of that name; then the same once more.
  await writeFile(path.join(world.folder(), 'events-2024-06.partial'), 'cut off');
  const first = await writeMonth(db(), '2024-06', world.folder());
  await appendFile(path.join(world.folder(), first.file), 'cut off');
  expect(await world.month('2024-06')).toMatchObject({ state: 'live' });
  const [june] = await world.archive('2024-07');
  expect(june).toMatchObject({ file: first.file, file_sha256: first.file_sha256 });
  expect(await verifyArchive(db(), world.folder())).toEqual([
    { file: first.file, month: '2024-06', damage: undefined },
  ]);
  expect((await readdir(world.folder())).filter((name) => name.endsWith('.partial'))).toEqual([]);
});

test('a file that is not what was written is found before anything is dropped', async () => {
  const written = await writeMonth(db(), '2024-06', world.folder());
  await checkMonth(db(), written, world.folder());
  const file = path.join(world.folder(), written.file);
  const bytes = await readFile(file);
  bytes[bytes.length >> 1]! ^= 1;
  await writeFile(file, bytes);
  await expect(checkMonth(db(), written, world.folder())).rejects.toMatchObject({
    code: 'archive_damaged',
    message: expect.stringContaining('nothing of 2024-06 was dropped'),
  });
  await world.database().pool.query(`update event set details = '{"rows": 1, "database": "db"}'
    where event_id = 'e-7' and account_id = 'acme'`);
  bytes[bytes.length >> 1]! ^= 1;
  await writeFile(file, bytes);
  await expect(checkMonth(db(), written, world.folder())).rejects.toMatchObject({
    code: 'month_changed',
  });
  expect(await world.month('2024-06')).toMatchObject({ state: 'live' });
});

test('a month that is not what was written is not dropped', async () => {
  const written = await writeMonth(db(), '2024-06', world.folder());
  await expect(dropMonth(db(), now, { ...written, rows: written.rows + 1 })).rejects.toThrow(
    /has 20 events now instead of 21: archive it again/,
  );
  expect(await world.month('2024-06')).toMatchObject({ state: 'live' });
});

test('whoever is in the way goes first, and the month leaves then', async () => {
  const { pool } = world.database();
  const waiting = async (): Promise<boolean> => {
    const { rows } = await pool.query(`select from pg_locks join pg_database d on database = d.oid
      where datname = current_database() and relation = 'event'::regclass and not granted`);
    return rows.length > 0;
  };
  const written = await writeMonth(db(), '2024-06', world.folder());
  const reader = await pool.connect();
  await reader.query('begin');
  await reader.query('lock table event in access share mode');
  const dropped = dropMonth(db(), now, written);
  while (!(await waiting()));
  // It gives way after a moment, so that nobody queues up behind it for long.
  while (await waiting());
  expect(await world.month('2024-06')).toMatchObject({ state: 'live' });
  await reader.query('commit');
  reader.release();
  const carried = BigInt(await dropped);
  expect(await world.month('2024-06')).toMatchObject({ state: 'archived', rows: 20n, carried });
});

test('a month comes back as it was, once, and counts as before', async () => {
  const before = await world.events();
  await world.archive('2024-09');
  expect((await world.events()).length).toBeLessThan(before.length);
  expect(await restoreMonth(db(), '2024-07', world.folder())).toBe(18n);
  expect(await restoreMonth(db(), '2024-07', world.folder())).toBe(0n);
  expect(await world.month('2024-07')).toMatchObject({ state: 'live' });
  for (const name of ['2024-06', '2024-08']) await restoreMonth(db(), name, world.folder());
  expect(await world.events()).toEqual(before);
  expect(await db().selectFrom('series_base').selectAll().execute()).toEqual([]);
  expect(await rebuildSeries(db(), ['acme'], false)).toEqual([]);
  expect(await world.archive('2024-09')).toHaveLength(3);
});
