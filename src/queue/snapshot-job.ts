import { applySnapshot, type SnapshotContext } from '../sources/snapshots/apply-snapshot.ts';
import { snapshotAnswer, type SnapshotAnswer } from '../sources/snapshots/snapshot-answer.ts';
import type { Snapshot } from '../sources/snapshots/snapshot.ts';
import { Fault } from '../values/fault.ts';

/** A job of this name on the events queue: `source`, perhaps `force`, and what PUT /v1/snapshots takes. */
export const SNAPSHOT_JOB = 'snapshot';

export type SnapshotJobContext = SnapshotContext & {
  readonly parse: (source: unknown, sent: unknown) => Snapshot;
};

/** Kept on the finished job for people, without the accounts, of which there may be many. */
export type SnapshotJobResult =
  Omit<SnapshotAnswer, 'accounts'> | { readonly code: string; readonly snapshot_refused: string };

/** Applies the snapshot of a job. One that is refused would be refused again: that is its result. */
export async function runSnapshotJob(
  { parse, ...context }: SnapshotJobContext,
  now: Date,
  data: unknown,
): Promise<SnapshotJobResult> {
  try {
    const { source, force, ...sent } = asRecord(data);
    const snapshot = parse(source, sent);
    const options = { isForced: force === true };
    const { accounts: _, ...rest } = snapshotAnswer(
      await applySnapshot(context, now, snapshot, options),
    );
    return rest;
  } catch (error) {
    if (!(error instanceof Fault) || error.kind === 'unavailable') throw error;
    return { code: error.code, snapshot_refused: error.message };
  }
}

function asRecord(data: unknown): Readonly<Record<string, unknown>> {
  return typeof data === 'object' && data !== null ? { ...data } : {};
}
