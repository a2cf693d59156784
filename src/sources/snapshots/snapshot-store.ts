import { createHash } from 'node:crypto';
import type { Db } from '../../database/pool.ts';
import { compareBytes } from '../../values/text.ts';
import { Fault } from '../../values/fault.ts';
import type { Instant, Second } from '../../values/instant.ts';
import { nameOfSnapshot, reportedResources, resourceKey, type Snapshot } from './snapshot.ts';

/**
 * Notes a snapshot before anything follows from it. The same one again is welcome: it completes what was
 * broken off.
 *
 * @throws Fault `snapshot_differs` when the source told something else of the same instant before.
 */
export async function claimSnapshot(
  db: Db,
  now: Date,
  snapshot: Snapshot,
  isForced: boolean,
): Promise<void> {
  const { source, takenAt, accounts } = snapshot;
  const identity = { source, taken_at: takenAt.second, fraction: takenAt.fraction };
  const digest = digestOf(snapshot);
  const inserted = await db
    .insertInto('snapshot')
    .values({
      ...identity,
      digest,
      resources: reportedResources(accounts).length,
      is_forced: isForced,
      received_at: now,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('source')
    .executeTakeFirst();
  if (inserted !== undefined) return;
  const first = await db
    .selectFrom('snapshot')
    .select('digest')
    .where((where) => where.and(identity))
    .executeTakeFirstOrThrow();
  if (digest.equals(first.digest)) return;
  const message = `${nameOfSnapshot(snapshot)} is known with other content; send one of a later instant`;
  throw new Fault('conflict', 'snapshot_differs', message);
}

export async function noteApplied(db: Db, now: Date, { source, takenAt }: Snapshot): Promise<void> {
  await db
    .updateTable('snapshot')
    .set({ applied_at: now })
    .where('source', '=', source)
    .where('taken_at', '=', takenAt.second)
    .where('fraction', '=', takenAt.fraction)
    .where('applied_at', 'is', null)
    .execute();
}

/** The instant of the source's last applied snapshot before `before`. */
export async function lastSnapshotAt(
  db: Db,
  source: string,
  before: Instant,
): Promise<Second | undefined> {
  const last = await db
    .selectFrom('snapshot')
    .select('taken_at')
    .where('source', '=', source)
    .where('taken_at', '<', before.second)
    .where('applied_at', 'is not', null)
    .orderBy('taken_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  return last?.taken_at;
}

/** The same for the same states, in whatever order they are named. */
function digestOf({ accounts }: Snapshot): Buffer {
  const states = reportedResources(accounts)
    .filter(({ state }) => state.replicas > 0)
    .map(({ state, ...resource }) => {
      return JSON.stringify([
        resourceKey(resource),
        resource.app,
        state.replicas,
        state.sizeTenths,
      ]);
    })
    .toSorted(compareBytes);
  return createHash('sha256').update(states.join('\n')).digest();
}
