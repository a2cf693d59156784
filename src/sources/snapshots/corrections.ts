import { createHash } from 'node:crypto';
import { formatInstant, type Instant } from '../../values/instant.ts';
import { FREE_APP_SIZE_TENTHS, fromTenths } from '../../values/size.ts';
import { correctiveId, type Cause } from '../cause.ts';
import type { Comparison, Difference } from './compare-snapshot.ts';
import type { Resource, Snapshot, State } from './snapshot.ts';

/**
 * Comes after every sequence a source may send for the same instant (it compares by code points): what all of
 * a source's state was at an instant holds after all else that is said of that instant.
 */
export const LAST_OF_ITS_INSTANT = '\u{10FFFD}';

/**
 * The reports that make the meter agree with a snapshot from its instant on, or from `since` on where that
 * is told: then not before the resource's latest event, since nothing is known against what came before.
 * The same snapshot gives the same reports under the same ids, so repeating it records them once.
 */
export function correctionsOf(
  { source, takenAt, since }: Pick<Snapshot, 'source' | 'takenAt' | 'since'>,
  { differences, unknownApps }: Pick<Comparison, 'differences' | 'unknownApps'>,
) {
  const marks = { source, cause: 'snapshot', of: takenAt } as const;
  const nothing = { replicas: 0, sizeTenths: FREE_APP_SIZE_TENTHS };
  return [
    ...unknownApps.map((app) => correction(marks, app, since ?? takenAt, undefined, nothing)),
    ...differences.map((one) => correctionOf(marks, one, instantOf(one, takenAt, since))),
  ];
}

export type Correction = ReturnType<typeof correction>;

type Marks = {
  readonly source: string;
  readonly cause: Cause;
  /** The instant of what caused it: of the snapshot, or of the silence's begin. */
  readonly of: Instant;
};

/** The report by which a resource goes from its metered to its true state at an instant. */
export function correctionOf(marks: Marks, difference: Difference, at: Instant) {
  const { metered, reported, ...resource } = difference;
  return correction(marks, resource, at, metered, reported);
}

function correction(
  { source, cause, of }: Marks,
  resource: Resource,
  at: Instant,
  metered: State | undefined,
  reported: State | undefined,
) {
  const { kind, name } = resource;
  return {
    specversion: '1.0',
    id: correctiveId(cause, of, digestOf(kind, name, at)),
    source,
    ...(kind === 'app'
      ? appFact(resource, metered, reported)
      : databaseFact(resource, metered, reported)),
    time: formatInstant(at),
    sequence: LAST_OF_ITS_INSTANT,
  };
}

/** An app of which nothing runs is not deleted by that: its database may well be there. */
function appFact({ account, app }: Resource, metered?: State, reported?: State) {
  const sizeTenths = (reported ?? metered)!.sizeTenths;
  const level = { replicas: reported?.replicas ?? 0, size: fromTenths(sizeTenths) };
  return { type: 'app.scaled', data: { account, app, ...level } };
}

function databaseFact(
  { account, app, name: database }: Resource,
  metered?: State,
  reported?: State,
) {
  if (reported === undefined) return { type: 'database.deleted', data: { account, database } };
  const size = fromTenths(reported.sizeTenths);
  if (metered !== undefined) {
    return { type: 'database.resized', data: { account, database, size } };
  }
  return { type: 'database.available', data: { account, app, database, size } };
}

function instantOf({ lastAt }: Difference, takenAt: Instant, since: Instant | undefined): Instant {
  if (since === undefined) return takenAt;
  return lastAt !== undefined && isAfter(lastAt, since) ? lastAt : since;
}

function isAfter(a: Instant, b: Instant): boolean {
  return a.second === b.second ? a.fraction > b.fraction : a.second > b.second;
}

function digestOf(kind: string, name: string, at: Instant): string {
  const content = JSON.stringify([kind, name, formatInstant(at)]);
  return createHash('sha256').update(content).digest('hex').slice(0, 32);
}
