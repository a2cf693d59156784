import { readdir } from 'node:fs/promises';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { runCommand } from '../../src/cli/program.ts';
import type { Services } from '../../src/cli/context.ts';
import { archiveOld } from '../../src/service/archive-old.ts';
import { ARCHIVE_NOW, archiveWorld } from '../support/archives.ts';

const world = archiveWorld();

/** Runs a command on the world; answers its exit code and what it printed. */
async function run(...args: string[]): Promise<{ code: number; data: string; notes: string }> {
  const printed = { data: '', notes: '' };
  const unused = (): never => {
    throw new Error('not needed here');
  };
  const code = await runCommand(
    {
      clock: () => ARCHIVE_NOW,
      output: {
        data: (text) => void (printed.data += `${text}\n`),
        note: (text) => void (printed.notes += `${text}\n`),
      },
      maxReplicas: 1000,
      open: async (): Promise<Services> => ({
        db: world.database().db,
        url: '',
        record: unused,
        recordWithin: unused,
        closeAndIssue: unused,
        reconcile: unused,
        stop: async () => {},
      }),
      migrate: unused,
      describeApi: unused,
      start: unused,
      demo: unused,
    },
    args,
  );
  return { code, ...printed };
}

test('months are archived, listed, verified, explained and restored by commands', async () => {
  const folder = world.folder();
  const created = await run('archive', 'create', '--before', '2024-08', '--to', folder);
  expect(created).toMatchObject({ code: 0, data: '2 months archived\n' });
  expect(created.notes).toMatch(
    /^2024-06: 20 events in events-2024-06\.\w{12}\.jsonl\.gz, \d+ of them stay/,
  );
  expect((await run('archive', 'list')).data).toMatch(
    /2024-07 +archived +18 +\d+ +\d+ +events-2024-07/,
  );
  expect(await run('archive', 'verify', folder)).toMatchObject({
    code: 0,
    data: expect.stringContaining('2 files, 0 damaged'),
  });
  const { data } = await run('verify', 'acme');
  expect(data).toContain('facts of 11 invoices are archived: --archive reads them');
  expect((await run('verify', 'acme', '--archive', folder)).data).toMatch(/^proven: [^;]*\n$/);
  const invoice = await world
    .database()
    .db.selectFrom('invoice')
    .select('invoice_id')
    .where('account_id', '=', 'acme')
    .orderBy('period_start')
    .executeTakeFirstOrThrow();
  expect((await run('explain', invoice.invoice_id)).data).toContain(
    'facts are archived: 2024-06 (events-2024-06.',
  );
  expect((await run('trace', 'acme', 'controller', 'e-5')).data).toMatch(
    /^archived +with 2024-06 in events-2024-06/,
  );
  expect(await run('archive', 'restore', '2024-07', '--from', folder)).toMatchObject({
    code: 0,
    data: expect.stringMatching(/^2024-07: \d+ events restored\n$/),
  });
  expect(await run('archive', 'create', '--before', '2024-13', '--to', folder)).toMatchObject({
    code: 2,
    notes: 'error: month is "2024-13"; it must be a month such as 2025-01\n',
  });
  expect(await run('archive', 'create', '--before', '2025-06', '--to', folder)).toMatchObject({
    code: 4,
    notes: expect.stringContaining('2025-05 is still needed'),
  });
});

test('every night what is old enough leaves, where the settings say; what is needed is left alone', async () => {
  const { db } = world.database();
  const log = pino({ level: 'silent' });
  await archiveOld(db, ARCHIVE_NOW, { directory: undefined, afterMonths: undefined }, log);
  expect(await readdir(world.folder())).toEqual([]);
  await archiveOld(db, ARCHIVE_NOW, { directory: world.folder(), afterMonths: 3 }, log);
  expect(await readdir(world.folder())).toEqual([]);
  await archiveOld(db, ARCHIVE_NOW, { directory: world.folder(), afterMonths: undefined }, log);
  expect(await world.month('2025-02')).toMatchObject({ state: 'archived' });
  expect(await world.month('2025-03')).toMatchObject({ state: 'live' });
});
