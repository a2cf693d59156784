import { groupBy } from '../values/group.ts';
import type { Instant } from '../values/instant.ts';

/** What the platform reports, by type: the table of the requirements, sizes in whole tenths. */
export type Fact =
  | { readonly type: 'account.created'; readonly email: string }
  | { readonly type: 'account.confirmed' }
  | { readonly type: 'account.upgraded' }
  | { readonly type: 'account.deleted' }
  | { readonly type: 'app.created'; readonly app: string }
  | { readonly type: 'app.deleted'; readonly app: string }
  | {
      readonly type: 'app.deployed' | 'app.scaled';
      readonly app: string;
      readonly replicas: number;
      readonly sizeTenths: number;
    }
  | {
      readonly type: 'database.available';
      readonly app: string;
      readonly database: string;
      readonly sizeTenths: number;
    }
  | {
      readonly type: 'database.resized';
      readonly database: string;
      readonly sizeTenths: number;
    }
  | { readonly type: 'database.deleted'; readonly database: string }
  | {
      readonly type: 'database.rows_observed';
      readonly database: string;
      readonly rows: number;
    }
  | {
      readonly type: 'job.started';
      readonly app: string;
      readonly job: string;
      readonly sizeTenths: number;
    }
  | { readonly type: 'job.finished'; readonly app: string; readonly job: string }
  | Supersession;

/** An earlier event was wrong: it does not count any more; `instead` says what of it is true otherwise. */
export type Supersession = {
  readonly type: 'event.superseded';
  readonly supersededSource: string;
  readonly supersededId: string;
  readonly actor: string;
  readonly reason: string;
  readonly instead: Correction | undefined;
};

/** The superseded event again, but for what is named here; `size` as reported, to be checked against it. */
export type Correction = {
  readonly occurredAt?: Instant;
  readonly replicas?: number;
  readonly size?: number;
};

export type EventType = Fact['type'];

/** A fact with its identity, (account, source, id), and the instant it became true. */
export type Event = {
  readonly account: string;
  readonly source: string;
  readonly id: string;
  readonly occurredAt: Instant;
  readonly sequence: string | undefined;
  readonly fact: Fact;
};

export type EventOf<T extends EventType> = Event & {
  readonly fact: Extract<Fact, { readonly type: T }>;
};

export function isEventOf<T extends EventType>(type: T) {
  return (event: Event): event is EventOf<T> => event.fact.type === type;
}

/** Finds the events of one type; all of them are looked at once, however many types are asked for. */
export function eventsByType(
  events: readonly Event[],
): <T extends EventType>(type: T) => readonly EventOf<T>[] {
  const byType = groupBy(events, ({ fact }) => fact.type);
  return (type) => byType.get(type)?.filter(isEventOf(type)) ?? [];
}
