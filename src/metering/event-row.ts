import type { Event } from '../events/event.ts';
import { tieBreak } from '../events/order.ts';
import { levelChangeOf, type Meter } from './level.ts';

/** The content of an event as its row holds it: what it says of one resource's level, and the rest. */
export type EventRow = {
  readonly type: string;
  readonly at: bigint;
  readonly tie: string;
  readonly meter: Meter | null;
  readonly resource: string | null;
  readonly app: string | null;
  readonly level: number | null;
  readonly sizeTenths: number | null;
  readonly details: EventDetails | null;
};

export type EventDetails = Readonly<Record<string, string | number>>;

export function toEventRow(event: Event): EventRow {
  const { fact } = event;
  const change = levelChangeOf(fact);
  return {
    type: fact.type,
    at: event.occurredAt.second,
    tie: tieBreak(event),
    meter: change?.meter ?? null,
    resource: change?.resource ?? null,
    app: 'app' in fact ? fact.app : null,
    level: change?.level ?? null,
    sizeTenths: change?.sizeTenths ?? null,
    details: detailsOf(event),
  };
}

function detailsOf({ fact }: Event): EventDetails | null {
  if (fact.type === 'account.created') return { email: fact.email };
  if (fact.type === 'database.rows_observed') return { database: fact.database, rows: fact.rows };
  return null;
}
