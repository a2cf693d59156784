import { compareEvents } from '../../events/order.ts';
import type { AccountHistory } from '../../events/admit-events.ts';
import { groupBy } from '../../values/group.ts';
import { earlier, later, type Second } from '../../values/instant.ts';
import { levelChangeOf, MAX_JOB_SECONDS, type LevelChange, type Meter } from '../series/level.ts';
import { gatherUsage, type Usage, type Window } from './usage.ts';

/**
 * A stretch of constant level above 0 of one resource: [from, to), open-ended without `to`. `level` is
 * replica-size in tenths for apps and jobs, 1 for databases. `resource` is the app, database or job.
 */
export type Segment = {
  readonly meter: Meter;
  readonly app: string;
  readonly resource: string;
  readonly sizeTenths: number;
  readonly level: number;
  readonly from: Second;
  readonly to: Second | undefined;
};

type Change = LevelChange & { readonly at: Second };

/**
 * The segments of one account from all of its recorded events, in whatever order they are given. The pure
 * counterpart of the series in the database: the two must agree for every history.
 */
export function segmentsOf({ events, appOfDatabase }: AccountHistory): Segment[] {
  const changes = events.toSorted(compareEvents).flatMap((event): Change[] => {
    const change = levelChangeOf(event.fact);
    if (change === undefined) return [];
    const app = change.app ?? appOfDatabase.get(change.resource);
    return [{ ...change, app, at: event.occurredAt.second }];
  });
  // A job's id is its app's own; a database's id is the account's, since a resize names no app.
  const byResource = groupBy(changes, ({ meter, resource, app }) =>
    JSON.stringify(meter === 'job' ? [meter, app, resource] : [meter, resource]),
  );
  return [...byResource.values()].flatMap((ofResource) =>
    ofResource[0]!.meter === 'job' ? jobSegment(ofResource) : levelSegments(ofResource),
  );
}

/** What the segments amount to within a window. */
export function segmentUsage(segments: readonly Segment[], window: Window): Usage {
  return gatherUsage(
    segments.map((segment) => {
      const from = later(segment.from, window.from);
      const to = segment.to === undefined ? window.to : earlier(segment.to, window.to);
      return { ...segment, units: to > from ? BigInt(segment.level) * (to - from) : 0n };
    }),
  );
}

function levelSegments(changes: readonly Change[]): Segment[] {
  return changes.flatMap((change, index): Segment[] => {
    const to = changes[index + 1]?.at;
    const { meter, app, resource, sizeTenths, level, at } = change;
    if (level === 0 || to === at || app === undefined) return [];
    return [{ meter, app, resource, sizeTenths, level, from: at, to }];
  });
}

/** A job runs from its first start to the first end after that, at the size of its start. */
function jobSegment(changes: readonly Change[]): Segment[] {
  const start = changes.find((change) => change.level === 1);
  if (start === undefined) return [];
  const { app, resource, sizeTenths, at } = start;
  const finish = changes.find((change) => change.level === 0 && change.at >= at);
  const limit = at + MAX_JOB_SECONDS;
  const to = finish === undefined ? limit : earlier(finish.at, limit);
  if (to === at) return [];
  return [{ meter: 'job', app: app!, resource, sizeTenths, level: sizeTenths, from: at, to }];
}
