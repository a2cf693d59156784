import { createHash } from 'node:crypto';
import { isShortIdentifier } from '../values/identifier.ts';
import type { Event } from './event.ts';

const FOLLOWING = / !(end|instead)-[0-9a-f]{32}$/;

/** The source of events the meter derives itself; nobody else may use it. */
export const DERIVED_SOURCE = 'gigameter';

/**
 * Deleting an app ends its database in the same second (R56). The end is a fact of its own, so that every
 * resource can be integrated from its own events alone. Its identity follows from the deletion's: deriving
 * it twice gives the same event.
 */
export function databaseEndedWithApp(appDeleted: Event, database: string): Event {
  return {
    account: appDeleted.account,
    source: DERIVED_SOURCE,
    id: followingId(appDeleted, 'end', [appDeleted.source, appDeleted.id, database]),
    occurredAt: appDeleted.occurredAt,
    sequence: appDeleted.sequence,
    fact: { type: 'database.deleted', database },
  };
}

/** Whether an event can have this id: one that was reported, or one that follows from it. */
export function isEventId(id: string): boolean {
  return isShortIdentifier(id.replace(FOLLOWING, ''));
}

export function isDatabaseEnd({ source, id }: Pick<Event, 'source' | 'id'>): boolean {
  return source === DERIVED_SOURCE && FOLLOWING.exec(id)?.[1] === 'end';
}

/**
 * The id of an event that follows from another one and has its place among all events of one instant, which
 * their ids order: right after it, before every id but those that go on with two spaces. `from` tells it from
 * others that follow from the same event; hashed, since the length of keys is limited.
 */
export function followingId(
  event: Pick<Event, 'source' | 'id'>,
  kind: 'end' | 'instead',
  from: readonly string[],
): string {
  const { source, id } = event;
  const first = source === DERIVED_SOURCE ? id.replace(FOLLOWING, '') : id;
  const digest = createHash('sha256').update(JSON.stringify(from)).digest('hex').slice(0, 32);
  return `${first} !${kind}-${digest}`;
}
