import type { Event } from '../../events/event.ts';
import { compareEvents } from '../../events/order.ts';
import { groupBy } from '../../values/group.ts';
import { earlier, later, type Second } from '../../values/instant.ts';
import type { EventRow } from './event-row.ts';
import type { Meter } from './level.ts';

/** A series within the accounts of a batch. */
export type SeriesKey = {
  readonly account: string;
  readonly meter: Meter;
  readonly resource: string;
  readonly sizeTenths: number;
};

/** The level of a series changes by `change` from `at` to `until`, or for good where that is undefined. */
export type Delta = SeriesKey & {
  readonly change: bigint;
  readonly at: Second;
  readonly until: Second | undefined;
  /** When the account's windows were cut last: what lies before changes checkpoints, too. */
  readonly lastCutAt: Second;
};

/** What all deltas of one series add to its line. */
export type Share = SeriesKey & {
  readonly level: bigint;
  readonly offsetUnits: bigint;
  readonly firstAt: Second;
  readonly lastAt: Second;
};

/** An event of an app or a database in its place among those recorded before. */
export type Placed = {
  readonly event: Event;
  readonly row: EventRow;
  readonly previousLevel: bigint;
  readonly previousSizeTenths: number | null;
  readonly nextAt: Second | undefined;
  readonly lastCutAt: Second;
};

/**
 * What new events change. An event of level e between its recorded neighbours x (before) and y (after) changes
 * the level by e − x from its instant to y's, or to that of the next new event of its resource, or for good.
 * What a batch adds up to does not depend on its order.
 */
export function deltasOf(placed: readonly Placed[]): Delta[] {
  const deltas: Delta[] = [];
  for (const ofResource of groupBy(placed, resourceOf).values()) {
    if (ofResource.length > 1) ofResource.sort((a, b) => compareEvents(a.event, b.event));
    for (const [index, one] of ofResource.entries()) {
      pushDeltas(deltas, one, earliest(one.nextAt, ofResource[index + 1]?.row.at));
    }
  }
  return deltas;
}

function resourceOf({ event: { account }, row: { meter, resource } }: Placed): string {
  return `${account}\n${meter}\n${resource}`;
}

function earliest(a: Second | undefined, b: Second | undefined): Second | undefined {
  return a === undefined || b === undefined ? (a ?? b) : earlier(a, b);
}

/** An app has one series of its level; a database has one for each size, at 1 while it has that size. */
function pushDeltas(
  deltas: Delta[],
  { event: { account }, row, previousLevel, previousSizeTenths, lastCutAt }: Placed,
  until: Second | undefined,
): void {
  const { resource, at } = row;
  const meter = row.meter!;
  const push = (sizeTenths: number, change: bigint): void => {
    deltas.push({ account, meter, resource: resource!, sizeTenths, change, at, until, lastCutAt });
  };
  const level = BigInt(row.level!);
  if (meter === 'app') {
    push(0, level - previousLevel);
    return;
  }
  if (level === 1n) push(row.sizeTenths!, 1n);
  if (previousLevel === 1n) push(previousSizeTenths!, -1n);
}

/** A line is level × t + offset (D3): a change c at t adds c and −c × t, one from t to u adds c × (u − t). */
export function sharesOf(deltas: readonly Delta[]): Share[] {
  const shares = new Map<string, Share>();
  for (const { account, meter, resource, sizeTenths, change, at, until } of deltas) {
    const level = until === undefined ? change : 0n;
    const offsetUnits = change * (until === undefined ? -at : until - at);
    const lastAt = until ?? at;
    const key = `${account}\n${meter}\n${resource}\n${sizeTenths}`;
    const before = shares.get(key);
    shares.set(key, {
      account,
      meter,
      resource,
      sizeTenths,
      level: before === undefined ? level : before.level + level,
      offsetUnits: before === undefined ? offsetUnits : before.offsetUnits + offsetUnits,
      firstAt: before === undefined ? at : earlier(before.firstAt, at),
      lastAt: before === undefined ? lastAt : later(before.lastAt, lastAt),
    });
  }
  return [...shares.values()];
}
