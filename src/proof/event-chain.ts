import { createHash } from 'node:crypto';
import type { EventDetails } from '../metering/series/event-row.ts';

/** A recorded event as the chain covers it: what it says, and when it became known. */
export type ChainedEvent = {
  readonly source: string;
  readonly id: string;
  readonly type: string;
  readonly at: bigint;
  readonly tie: string;
  readonly meter: string | null;
  readonly resource: string | null;
  readonly app: string | null;
  readonly level: bigint | null;
  readonly sizeTenths: number | null;
  readonly details: EventDetails | null;
  readonly recording: bigint;
  readonly recordedAt: Date;
};

/** SHA-256 of an event and of all events of its account before it, in hex. */
export type Link = string;

/** What the first link follows. */
export const NO_LINK: Link = '';

/** The next link: SHA-256 of the link before, a line feed, and what follows. */
export function linkOf(previous: Link, text: string): Link {
  return createHash('sha256').update(`${previous}\n${text}`).digest('hex');
}

export function linkAfter(previous: Link, account: string, event: ChainedEvent): Link {
  return linkOf(previous, eventText(account, event));
}

/** The same JSON text for the same event for ever: bundles that were given out must verify later. */
export function eventText(account: string, event: ChainedEvent): string {
  return JSON.stringify([
    account,
    event.source,
    event.id,
    event.type,
    event.at.toString(),
    event.tie,
    event.meter,
    event.resource,
    event.app,
    event.level === null ? null : event.level.toString(),
    event.sizeTenths,
    sorted(event.details),
    event.recording.toString(),
    event.recordedAt.toISOString(),
  ]);
}

/** PostgreSQL keeps the names of an object in an order of its own. */
function sorted(details: EventDetails[string] | null): unknown {
  if (typeof details !== 'object' || details === null) return details;
  return Object.keys(details)
    .toSorted()
    .map((name) => [name, sorted(details[name]!)]);
}
