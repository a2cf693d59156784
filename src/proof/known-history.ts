import { sql } from 'kysely';
import type { Db } from '../database/pool.ts';
import type { Event } from '../events/event.ts';
import { compareEvents } from '../events/order.ts';
import { notAmong, type ArchivedEvent } from './archived.ts';
import type { AccountHistory } from '../events/admit-events.ts';
import { countedAt, type Known } from '../invoicing/explaining/level-events.ts';
import { fromEventRow, type EventRow } from '../metering/recording/event-row.ts';

export type KnownFact = Known & { readonly event: Event };

/** All facts of an account with when each became known and was superseded. Holds them in memory. */
export async function readKnownFacts(db: Db, account: string): Promise<KnownFact[]> {
  const { rows } = await sql<EventRow & Known & { readonly source: string; readonly id: string }>`
    select source, event_id as id, type, at, tie, meter, resource, app, level::int as level,
      size_tenths as "sizeTenths", details, recording, superseded_in as "supersededIn"
    from event where account_id = ${account} order by recording, at, tie, event_id, source`.execute(
    db,
  );
  return rows.map(({ source, id, recording, supersededIn, ...row }) => ({
    event: fromEventRow({ account, source, id }, row),
    recording,
    supersededIn,
  }));
}

/** The same with those that are archived, in the same order; what is in the database counts as it is there. */
export function withArchived(
  account: string,
  facts: readonly KnownFact[],
  archived: readonly ArchivedEvent[],
): KnownFact[] {
  const there = facts.map(({ event }) => event);
  const missing = notAmong(there, archived).map((archivedEvent): KnownFact => {
    const { source, id, recording, supersededIn, ...row } = archivedEvent;
    const level = row.level === null ? null : Number(row.level);
    return {
      event: fromEventRow({ account, source, id }, { ...row, level }),
      recording,
      supersededIn,
    };
  });
  return [...facts, ...missing].toSorted((a, b) =>
    a.recording === b.recording
      ? compareEvents(a.event, b.event)
      : a.recording < b.recording
        ? -1
        : 1,
  );
}

/** The history as it was when everything up to `knownBy` was known. */
export function historyKnownBy(facts: readonly KnownFact[], knownBy: bigint): AccountHistory {
  const reported = facts.filter(({ recording }) => recording <= knownBy);
  const databases = reported.flatMap(({ event: { fact } }) =>
    fact.type === 'database.available' ? [[fact.database, fact.app] as const] : [],
  );
  return {
    events: countedAt(reported, knownBy).map(({ event }) => event),
    // The first report stays.
    appOfDatabase: new Map(databases.toReversed()),
  };
}
