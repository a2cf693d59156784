import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { applySnapshot, type SnapshotContext } from '../../sources/snapshots/apply-snapshot.ts';
import { snapshotAnswer, type SnapshotAnswer } from '../../sources/snapshots/snapshot-answer.ts';
import { parseSnapshot } from '../../sources/snapshots/snapshot-schema.ts';
import { Fault } from '../../values/fault.ts';
import type { CommandContext, Services } from '../context.ts';
import { EXIT_INVALID } from '../exit-code.ts';
import { printJson, tableOf, type Output } from '../output.ts';

export type SnapshotOptions = {
  readonly source: string;
  readonly dryRun?: true;
  readonly force?: true;
  readonly json?: true;
};

/** Adds `gigameter snapshot`. */
export function addSnapshotCommand(
  program: Command,
  run: (work: (services: Services) => Promise<number>) => Promise<void>,
  { output, clock, maxReplicas }: CommandContext,
): void {
  program
    .command('snapshot <file>')
    .description('correct the meter by all that a source runs, as JSON ("-": standard input)')
    .requiredOption('--source <source>', 'whose state it is')
    .option('--dry-run', 'only say what would be corrected')
    .option('--force', 'take it also when it looks too small')
    .option('--json', 'print JSON')
    .action(
      async (file: string, options: SnapshotOptions) =>
        await run(async ({ db, recordWithin: record }) => {
          const context = { db, record, now: clock(), maxReplicas, output };
          return await snapshotCommand(context, file, options);
        }),
    );
}

/**
 * `gigameter snapshot FILE`: says account by account what is metered otherwise than the source runs, and
 * corrects it. Safe to repeat. Refused corrective events make the exit code 2.
 */
async function snapshotCommand(
  {
    now,
    maxReplicas,
    output,
    ...context
  }: SnapshotContext & {
    readonly now: Date;
    readonly maxReplicas: number;
    readonly output: Output;
  },
  file: string,
  options: SnapshotOptions,
): Promise<number> {
  const snapshot = parseSnapshot(maxReplicas)(options.source, await readJson(file));
  const answer = snapshotAnswer(
    await applySnapshot(context, now, snapshot, {
      isDryRun: options.dryRun === true,
      isForced: options.force === true,
    }),
  );
  for (const refusal of answer.refusals) output.note(`refused: ${refusal}`);
  if (options.json) printJson(output, answer);
  else output.data(answerToText(answer));
  return answer.corrections.refused === 0 ? 0 : EXIT_INVALID;
}

async function readJson(file: string): Promise<unknown> {
  const reading = file === '-' ? text(process.stdin) : readFile(file, 'utf8');
  const json = await reading.catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Fault('not_found', 'file_not_readable', `cannot read the snapshot: ${reason}`);
  });
  try {
    return JSON.parse(json.replace(/^\uFEFF/, '')) as unknown;
  } catch {
    throw new Fault('invalid', 'invalid_snapshot', `${file} holds no JSON document`);
  }
}

function answerToText(answer: SnapshotAnswer): string {
  const { source, taken_at, resources, corrections, accounts, dry_run, too_small } = answer;
  const { reported, metered, missed } = resources;
  const lines = [
    `${source} at ${taken_at}: ${reported} reported, ${metered} metered, ${missed} of them not reported`,
  ];
  if (too_small !== null) lines.push(too_small);
  if (accounts.length > 0) lines.push('', driftToText(answer), '');
  const { recorded, duplicate, parked, refused } = corrections;
  lines.push(
    dry_run
      ? 'Nothing was changed: this was a dry run.'
      : `Corrective events: ${recorded} recorded, ${duplicate} known before, ${parked} parked, ${refused} refused.`,
  );
  return lines.join('\n');
}

function driftToText({ accounts, usd_per_hour }: SnapshotAnswer): string {
  const right = 'right' as const;
  const rows = accounts.flatMap(({ account, differences }) =>
    differences.map((one, index) => [
      index === 0 ? account : '',
      one.database === null ? `app ${one.app}` : `database ${one.database}`,
      stateToText(one.metered),
      stateToText(one.reported),
      one.usd_per_hour,
      one.misbilled_usd ?? 'unknown',
    ]),
  );
  return tableOf(
    [
      { title: 'account' },
      { title: 'resource' },
      { title: 'metered', align: right },
      { title: 'reported', align: right },
      { title: 'USD per hour', align: right },
      { title: 'USD so far, at most', align: right },
    ],
    [...rows, ['all', '', '', '', usd_per_hour, '']],
  );
}

function stateToText(state: SnapshotAnswer['accounts'][number]['differences'][number]['metered']) {
  return state === null ? '–' : `${state.replicas} × ${state.size}`;
}
