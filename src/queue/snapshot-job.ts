import { applySnapshot, type SnapshotContext } from '../sources/snapshots/apply-snapshot.ts';
import { snapshotAnswer, type SnapshotAnswer } from '../sources/snapshots/snapshot-answer.ts';
import type { Snapshot } from '../sources/snapshots/snapshot.ts';
import { Fault } from '../values/fault.ts';
import { showValue } from '../values/show-value.ts';

/**
 * A job of this name on the events queue: `source`, what PUT /v1/snapshots takes, and perhaps `dry_run` or
 * `force`, which are true or false.
 */
export const SNAPSHOT_JOB = 'snapshot';

export type SnapshotJobContext = SnapshotContext & {
  readonly parse: (source: unknown, sent: unknown) => Snapshot;
};

/** Kept on the finished job for people, with the accounts that are off most: there may be many. */
export type SnapshotJobResult =
  SnapshotAnswer | { readonly code: string; readonly snapshot_refused: string };

const MOST_ACCOUNTS = 100;

/** Applies the snapshot of a job. One that is refused would be refused again: that is its result. */
export async function runSnapshotJob(
  { parse, ...context }: SnapshotJobContext,
  now: Date,
  data: unknown,
): Promise<SnapshotJobResult> {
  try {
    const { source, force, dry_run, ...sent } = asRecord(data);
    const options = { isDryRun: flag('dry_run', dry_run), isForced: flag('force', force) };
    const snapshot = parse(source, sent);
    const answer = snapshotAnswer(await applySnapshot(context, now, snapshot, options));
    return { ...answer, accounts: answer.accounts.slice(0, MOST_ACCOUNTS) };
  } catch (error) {
    if (!(error instanceof Fault) || error.kind === 'unavailable') throw error;
    return { code: error.code, snapshot_refused: error.message };
  }
}

/** A dry run that is misspelt must not change anything. */
function flag(name: string, value: unknown): boolean {
  if (value === undefined || typeof value === 'boolean') return value ?? false;
  const message = `${name} must be true or false, not ${showValue(value)}`;
  throw new Fault('invalid', 'invalid_snapshot', message);
}

/** One line of what a job did, for its log. */
export function tellResult(result: SnapshotJobResult): string {
  if ('snapshot_refused' in result) return `refused: ${result.snapshot_refused}`;
  const { dry_run, corrections, accounts_with_drift, usd_per_hour, too_small } = result;
  const done = dry_run
    ? 'dry run, nothing was changed'
    : `${corrections.recorded} corrective events recorded, ${corrections.refused} refused`;
  const found = `${accounts_with_drift} accounts were off by ${usd_per_hour} USD an hour in all`;
  return [done, found, ...(too_small === null ? [] : [too_small])].join('; ');
}

function asRecord(data: unknown): Readonly<Record<string, unknown>> {
  return typeof data === 'object' && data !== null ? { ...data } : {};
}
