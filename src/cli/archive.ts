import type { Command } from 'commander';
import { archiveMonths, type Archived } from '../archive/archive-months.ts';
import { listMonths } from '../archive/list-months.ts';
import { parseMonth } from '../values/month.ts';
import { restoreMonth } from '../archive/restore-month.ts';
import { verifyArchive } from '../archive/verify-archive.ts';
import type { Db } from '../database/pool.ts';
import type { Clock } from '../values/clock.ts';
import { counted } from '../values/text.ts';
import type { Services } from './context.ts';
import { EXIT_DIFFERENT } from './exit-code.ts';
import { printJson, tableOf, type Output } from './output.ts';

type Context = { readonly db: Db; readonly output: Output };
type JsonOption = { readonly json?: true };

/** Adds `archive create`, `list`, `verify` and `restore`. */
export function addArchiveCommands(
  program: Command,
  run: (work: (services: Services) => Promise<number>) => Promise<void>,
  { clock, output }: { readonly clock: Clock; readonly output: Output },
): void {
  const archive = program
    .command('archive')
    .description('old months of events: in files instead of the database');
  archive
    .command('create')
    .description('move months of events that no bill depends on any more into files')
    .requiredOption('--before <month>', 'months before this one, such as 2025-01')
    .requiredOption('--to <directory>', 'where the files go')
    .option('--json', 'print JSON')
    .action(
      async (options: CreateOptions) =>
        await run(({ db }) => createCommand({ db, output }, clock(), options)),
    );
  archive
    .command('list')
    .description('all months of events, and where they are')
    .option('--json', 'print JSON')
    .action(
      async (options: JsonOption) => await run(({ db }) => listCommand({ db, output }, options)),
    );
  archive
    .command('verify <directory>')
    .description('read all files to their end and check that they are what was written')
    .option('--json', 'print JSON')
    .action(
      async (directory: string, options: JsonOption) =>
        await run(({ db }) => verifyCommand({ db, output }, directory, options)),
    );
  archive
    .command('restore <month>')
    .description("put a month's events back into the database")
    .requiredOption('--from <directory>', 'where its file is')
    .option('--json', 'print JSON')
    .action(
      async (month: string, options: JsonOption & { readonly from: string }) =>
        await run(({ db }) => restoreCommand({ db, output }, month, options)),
    );
}

type CreateOptions = JsonOption & { readonly before: string; readonly to: string };

async function createCommand(
  { db, output }: Context,
  now: Date,
  options: CreateOptions,
): Promise<number> {
  const archived: Archived[] = [];
  await archiveMonths(db, now, {
    before: parseMonth(options.before),
    directory: options.to,
    onMonth: (one) => {
      archived.push(one);
      output.note(`${one.month}: ${one.rows} events in ${one.file}, ${one.carried} of them stay`);
    },
  });
  if (options.json) printJson(output, { archived });
  else output.data(`${counted(archived.length, 'month')} archived`);
  return 0;
}

async function listCommand({ db, output }: Context, options: JsonOption): Promise<number> {
  const months = await listMonths(db);
  if (options.json) {
    printJson(output, {
      months: months.map(({ rows, carried, bytes, ...month }) => ({
        ...month,
        rows: rows.toString(),
        carried: carried?.toString() ?? null,
        bytes: bytes.toString(),
      })),
    });
    return 0;
  }
  const columns = [
    { title: 'month' },
    { title: 'state' },
    { title: 'events', align: 'right' },
    { title: 'still in database', align: 'right' },
    { title: 'bytes', align: 'right' },
    { title: 'file' },
  ] as const;
  const rows = months.map(({ month, state, rows: events, carried, bytes, file }) => {
    const about = state === 'live' ? `about ${events}` : events;
    return [month, state, about, carried ?? '', bytes, file ?? ''];
  });
  output.data(tableOf(columns, rows));
  return 0;
}

async function verifyCommand(
  { db, output }: Context,
  directory: string,
  options: JsonOption,
): Promise<number> {
  const files = await verifyArchive(db, directory);
  const damaged = files.filter(({ damage }) => damage !== undefined);
  if (options.json) {
    printJson(output, {
      files: files.map(({ file, month, damage }) => ({
        file,
        month: month ?? null,
        damage: damage ?? null,
      })),
    });
  } else {
    const lines = files.map(({ file, month, damage }) => {
      const unused = month === undefined ? ' (of no month that is archived here)' : '';
      return `${file}: ${damage === undefined ? 'whole' : `DAMAGED: ${damage}`}${unused}`;
    });
    output.data(
      [...lines, `${counted(files.length, 'file')}, ${damaged.length} damaged`].join('\n'),
    );
  }
  return damaged.length === 0 ? 0 : EXIT_DIFFERENT;
}

async function restoreCommand(
  { db, output }: Context,
  month: string,
  options: JsonOption & { readonly from: string },
): Promise<number> {
  const restored = await restoreMonth(db, parseMonth(month), options.from);
  if (options.json) printJson(output, { month, restored: restored.toString() });
  else output.data(`${month}: ${restored} events restored`);
  return 0;
}
