import type { Command } from 'commander';
import type { Db } from '../../database/pool.ts';
import { sourceName } from '../../sources/snapshots/snapshot-schema.ts';
import {
  expectSource,
  LEAST_EXPECTED_SECONDS,
  listSources,
  MOST_EXPECTED_SECONDS,
  POLICIES,
  type Source,
} from '../../sources/source-store.ts';
import { Fault } from '../../values/fault.ts';
import type { CommandContext, Services } from '../context.ts';
import { printJson, tableOf, type Output } from '../output.ts';

type JsonOption = { readonly json?: true };
export type ExpectOptions = JsonOption & { readonly every: string; readonly policy: string };

/** Adds `gigameter sources`. */
export function addSourcesCommands(
  program: Command,
  run: (work: (services: Services) => Promise<number>) => Promise<void>,
  { output, clock }: CommandContext,
): void {
  const sources = program
    .command('sources')
    .description('who reports, when each was heard last, and which are silent')
    .option('--json', 'print JSON')
    .action(
      async (options: JsonOption) =>
        await run(async ({ db }) => await listCommand(db, output, options)),
    );
  sources
    .command('expect <source>')
    .description('say how often a source reports, and what to do when it does not')
    .requiredOption('--every <seconds>', 'at least so often; "never" expects nothing')
    .option(
      '--policy <policy>',
      `for its levels while it is silent: ${POLICIES.join(', ')}`,
      'hold',
    )
    .option('--json', 'print JSON')
    .action(
      async (source: string, _: ExpectOptions, command: Command) =>
        await run(async ({ db }) => {
          const options = command.optsWithGlobals<ExpectOptions>();
          return await expectCommand({ db, output, now: clock() }, source, options);
        }),
    );
}

async function listCommand(db: Db, output: Output, options: JsonOption): Promise<number> {
  const sources = await listSources(db);
  if (options.json) printJson(output, { sources: sources.map(sourceToJson) });
  else output.data(sourcesToText(sources));
  return 0;
}

async function expectCommand(
  { db, output, now }: { readonly db: Db; readonly output: Output; readonly now: Date },
  name: string,
  options: ExpectOptions,
): Promise<number> {
  const named = sourceName.safeParse(name);
  if (!named.success) throw invalidOption(`the source ${named.error.issues[0]!.message}`);
  const policy = POLICIES.find((one) => one === options.policy);
  if (policy === undefined) throw invalidOption(`--policy must be one of ${POLICIES.join(', ')}`);
  const source = await expectSource(db, now, {
    source: named.data,
    expectedEverySeconds: readSeconds(options.every),
    policy,
  });
  if (options.json) printJson(output, sourceToJson(source));
  else output.data(sourcesToText([source]));
  return 0;
}

function readSeconds(text: string): number | undefined {
  if (text === 'never') return undefined;
  const seconds = Number(text);
  const isGood =
    /^\d+$/.test(text) && seconds >= LEAST_EXPECTED_SECONDS && seconds <= MOST_EXPECTED_SECONDS;
  if (isGood) return seconds;
  const range = `${LEAST_EXPECTED_SECONDS} to ${MOST_EXPECTED_SECONDS}`;
  throw invalidOption(`--every must be a whole number of seconds from ${range}, or never`);
}

function invalidOption(message: string): Fault {
  return new Fault('invalid', 'invalid_option', message);
}

function sourceToJson(source: Source) {
  return {
    source: source.source,
    last_heard_at: source.lastHeardAt?.toISOString() ?? null,
    expected_every_seconds: source.expectedEverySeconds ?? null,
    policy: source.policy,
    silent_since: source.silentSince?.toISOString() ?? null,
  };
}

function sourcesToText(sources: readonly Source[]): string {
  if (sources.length === 0) return 'No source was heard yet.';
  const titles = ['source', 'last heard', 'expected', 'policy', 'silent since'];
  return tableOf(
    titles.map((title) => ({ title })),
    sources.map((one) => [
      one.source,
      one.lastHeardAt?.toISOString() ?? 'never',
      one.expectedEverySeconds === undefined ? '' : `every ${one.expectedEverySeconds} s`,
      one.policy,
      one.silentSince?.toISOString() ?? '',
    ]),
  );
}
