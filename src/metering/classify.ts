import { isDeepStrictEqual } from 'node:util';
import { sql } from 'kysely';
import { findAccounts } from '../accounts/store.ts';
import { textArray } from '../database/arrays.ts';
import type { Db } from '../database/pool.ts';
import type { Event } from '../events/event.ts';
import { DUPLICATE, refused, type Outcome } from '../events/outcome.ts';
import { findWaiting } from '../events/parking.ts';
import { accountExists, beforeSignUp, idReused } from '../events/refusal.ts';
import { assert } from '../values/fault.ts';
import { toEventRow, type EventRow } from './event-row.ts';

/**
 * Why the batch left these events out: a repeat, a reused id, an unknown account, a report that waits under the
 * same id, a time before sign-up.
 */
export async function classifyUnrecorded(
  tx: Db,
  events: readonly Event[],
): Promise<readonly Outcome[]> {
  if (events.length === 0) return [];
  const accounts = await findAccounts(tx, [...new Set(events.map((event) => event.account))]);
  const recorded = await findRows(tx, events);
  const waiting = await findWaiting(tx, events);
  return events.map((event, index): Outcome => {
    const account = accounts.get(event.account);
    if (account === undefined) {
      return { status: 'parked', waitsFor: { kind: 'account', name: event.account } };
    }
    const row = recorded[index];
    if (row !== undefined) {
      return isDeepStrictEqual(row, toEventRow(event)) ? DUPLICATE : refused(idReused(event));
    }
    const waitsFor = waiting[index];
    if (waitsFor !== undefined) return { status: 'parked', waitsFor };
    if (event.fact.type === 'account.created') {
      return refused(accountExists(event, account.signedUpAt));
    }
    assert(event.occurredAt.second < account.signedUpAt, `${event.id} was left out for no reason`);
    return refused(beforeSignUp(event, account.signedUpAt));
  });
}

type StoredRow = EventRow & { readonly position: bigint };

/** The stored content under each event's identity, by position. */
async function findRows(tx: Db, events: readonly Event[]): Promise<(EventRow | undefined)[]> {
  const { rows } = await sql<StoredRow>`
    /* prepare find_recorded */
    select given.position, event.type, event.at, event.tie, event.meter, event.resource, event.app,
      event.level::int as level, event.size_tenths as "sizeTenths", event.details
    from unnest(
      ${textArray(events.map((event) => event.account))}::text[],
      ${textArray(events.map((event) => event.source))}::text[],
      ${textArray(events.map((event) => event.id))}::text[]
    ) with ordinality as given (account_id, source, event_id, position)
    join event using (account_id, source, event_id)`.execute(tx);
  const found: (EventRow | undefined)[] = events.map(() => undefined);
  for (const { position, ...row } of rows) found[Number(position) - 1] = row;
  return found;
}
