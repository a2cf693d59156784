import { MAX_JOB_SECONDS } from '../../metering/series/level.ts';
import type { Window } from '../../metering/usage/usage.ts';
import { causeOf, type Cause } from '../../sources/cause.ts';
import { groupBy } from '../../values/group.ts';
import { earlier, later, type Second } from '../../values/instant.ts';

export type EventKey = { readonly source: string; readonly id: string };

/** Named on an explained line; with its cause where the meter reported it in the source's name. */
export type NamedEvent = EventKey & { readonly cause?: Cause };

/** A recorded event as far as it says what level an app, a job of it, or a database is on. */
export type LevelEvent = EventKey & {
  readonly meter: 'app' | 'job' | 'database';
  /** The app, the job or the database. */
  readonly resource: string;
  readonly at: Second;
  readonly level: bigint;
  readonly sizeTenths: number;
};

/** A stretch of constant level above 0: [from, to). */
export type UsageSegment = Window & {
  /** Replica-size in tenths for apps and jobs, 1 for databases. */
  readonly level: bigint;
  readonly sizeTenths: number;
  /** Of a job; undefined for an app's replicas and for databases. */
  readonly job: string | undefined;
  readonly startedBy: NamedEvent;
  /** Undefined where the level went on beyond `to`, or a job was ended by its five minutes (R14). */
  readonly endedBy: NamedEvent | undefined;
};

/**
 * What an app with its jobs, or a database at one size, ran within a window, by events in their order. They
 * must begin with the last one of each resource that is not after the window's start.
 */
export function segmentsWithin(
  events: readonly LevelEvent[],
  window: Window,
  sizeTenths: number | undefined,
): UsageSegment[] {
  const ofSize = (event: LevelEvent): boolean =>
    event.meter !== 'database' || event.sizeTenths === sizeTenths;
  const byResource = groupBy(events, ({ meter, resource }) => JSON.stringify([meter, resource]));
  return [...byResource.values()]
    .flatMap((ofOne) =>
      ofOne[0]!.meter === 'job' ? jobSegment(ofOne) : levelSegments(ofOne, ofSize),
    )
    .flatMap((segment) => clip(segment, window))
    .toSorted((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0));
}

type OpenSegment = Omit<UsageSegment, 'to'> & { readonly to: Second | undefined };

function levelSegments(
  events: readonly LevelEvent[],
  counts: (event: LevelEvent) => boolean,
): OpenSegment[] {
  return events.flatMap((event, index): OpenSegment[] => {
    const next = events[index + 1];
    if (event.level === 0n || !counts(event) || next?.at === event.at) return [];
    const { level, sizeTenths, at } = event;
    return [
      {
        from: at,
        to: next?.at,
        level,
        sizeTenths,
        job: undefined,
        startedBy: nameOf(event),
        endedBy: next && nameOf(next),
      },
    ];
  });
}

/** From its first start to the first end after that, five minutes at most (R14). */
function jobSegment(events: readonly LevelEvent[]): OpenSegment[] {
  const start = events.find(({ level }) => level > 0n);
  if (start === undefined) return [];
  const { resource: job, sizeTenths, at } = start;
  const finish = events.find((event) => event.level === 0n && event.at >= at);
  const limit = at + MAX_JOB_SECONDS;
  const isFinished = finish !== undefined && finish.at <= limit;
  return [
    {
      from: at,
      to: isFinished ? finish.at : limit,
      level: BigInt(sizeTenths),
      sizeTenths,
      job,
      startedBy: nameOf(start),
      endedBy: isFinished ? nameOf(finish) : undefined,
    },
  ];
}

/** The part of a segment within a window, if any. */
export function clip<Segment extends OpenSegment>(
  segment: Segment,
  window: Window,
): (Segment & Window)[] {
  const from = later(segment.from, window.from);
  const to = segment.to === undefined ? window.to : earlier(segment.to, window.to);
  if (from >= to) return [];
  const endedBy = to === segment.to ? segment.endedBy : undefined;
  return [{ ...segment, from, to, endedBy }];
}

function nameOf({ source, id }: EventKey): NamedEvent {
  const cause = causeOf(id);
  return { source, id, ...(cause === undefined ? {} : { cause }) };
}
