import type { Event } from './event.ts';

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
    id: JSON.stringify([appDeleted.id, appDeleted.source, database]),
    occurredAt: appDeleted.occurredAt,
    sequence: appDeleted.sequence,
    fact: { type: 'database.deleted', database },
  };
}
