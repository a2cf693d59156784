import type { Correction, Event, EventType, Fact } from '../../events/event.ts';
import { readTieBreak, tieBreak } from '../../events/order.ts';
import { formatInstant, parseInstant } from '../../values/instant.ts';
import { levelChangeOf, type Meter } from './level.ts';

/** The content of an event as its row holds it: what it says of one resource's level, and the rest. */
export type EventRow = {
  readonly type: EventType;
  readonly at: bigint;
  readonly tie: string;
  readonly meter: Meter | null;
  readonly resource: string | null;
  readonly app: string | null;
  readonly level: number | null;
  readonly sizeTenths: number | null;
  readonly details: EventDetails | null;
};

export type EventDetails = { readonly [name: string]: string | number | EventDetails };

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
  if (fact.type === 'event.superseded') {
    const { supersededSource, supersededId, actor, reason, instead } = fact;
    return {
      supersededSource,
      supersededId,
      actor,
      reason,
      ...(instead === undefined ? {} : { instead: correctionDetails(instead) }),
    };
  }
  return null;
}

function correctionDetails({ occurredAt, ...values }: Correction): EventDetails {
  return occurredAt === undefined ? values : { time: formatInstant(occurredAt), ...values };
}

/** The event a row holds; the inverse of `toEventRow`. */
export function fromEventRow(
  identity: Pick<Event, 'account' | 'source' | 'id'>,
  row: EventRow,
): Event {
  const { fraction, sequence } = readTieBreak(row.tie);
  return {
    ...identity,
    occurredAt: { second: row.at, fraction },
    sequence,
    fact: factOf(row),
  };
}

function factOf({ type, app, resource, level, sizeTenths, details }: EventRow): Fact {
  switch (type) {
    case 'account.created':
      return { type, email: text(details, 'email') };
    case 'account.confirmed':
    case 'account.upgraded':
    case 'account.deleted':
      return { type };
    case 'app.created':
    case 'app.deleted':
      return { type, app: app! };
    case 'app.deployed':
    case 'app.scaled':
      return { type, app: app!, replicas: level! / sizeTenths!, sizeTenths: sizeTenths! };
    case 'database.available':
      return { type, app: app!, database: resource!, sizeTenths: sizeTenths! };
    case 'database.resized':
      return { type, database: resource!, sizeTenths: sizeTenths! };
    case 'database.deleted':
      return { type, database: resource! };
    case 'database.rows_observed':
      return { type, database: text(details, 'database'), rows: Number(details?.rows) };
    case 'job.started':
      return { type, app: app!, job: resource!, sizeTenths: sizeTenths! };
    case 'job.finished':
      return { type, app: app!, job: resource! };
    case 'event.superseded':
      return {
        type,
        supersededSource: text(details, 'supersededSource'),
        supersededId: text(details, 'supersededId'),
        actor: text(details, 'actor'),
        reason: text(details, 'reason'),
        instead: readCorrection(details?.instead),
      };
  }
}

/** A row that no code of ours wrote: it lacks what its type says there is. */
export class UnreadableEvent extends Error {}

function text(details: EventDetails | null, name: string): string {
  const value = details?.[name];
  if (typeof value === 'string') return value;
  throw new UnreadableEvent(`an event is stored without its ${name}`);
}

function readCorrection(details: EventDetails[string] | undefined): Correction | undefined {
  if (typeof details !== 'object') return undefined;
  const { time, replicas, size } = details;
  return {
    ...(typeof time === 'string' ? { occurredAt: parseInstant(time)! } : {}),
    ...(typeof replicas === 'number' ? { replicas } : {}),
    ...(typeof size === 'number' ? { size } : {}),
  };
}
