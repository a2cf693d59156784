import { sql } from 'kysely';
import type { Db } from '../../database/pool.ts';
import { eventSubject, type EventSubject } from '../objects.ts';

export type StoredEvent = {
  readonly id: string;
  readonly type: string;
  readonly subject: EventSubject;
  readonly attempts: number;
  readonly receivedAt: Date;
};

/** What became of an event; `again` when it can be told only later. */
export type NewsOutcome = string | { readonly again: string };

/** A process that dies with events in its hands gives them up after this long. */
const CLAIM_MS = 120_000;

/**
 * Takes events nobody works on, oldest first. They are ours until processed, postponed, or the claim
 * ends, so no transaction is open while Stripe is asked.
 */
export async function claimEvents(db: Db, now: Date, limit: number): Promise<StoredEvent[]> {
  const waiting = db
    .selectFrom('stripe_event')
    .select('stripe_event_id')
    .where('processed_at', 'is', null)
    .where((where) =>
      where.or([where('next_attempt_at', 'is', null), where('next_attempt_at', '<=', now)]),
    )
    .orderBy('received_at')
    .orderBy('stripe_event_id')
    .limit(limit)
    .forUpdate()
    .skipLocked();
  const rows = await db
    .updateTable('stripe_event')
    .set({
      attempts: sql<number>`attempts + 1`,
      next_attempt_at: new Date(now.getTime() + CLAIM_MS),
    })
    .where('stripe_event_id', 'in', waiting)
    .returning(['stripe_event_id', 'type', 'payload', 'attempts', 'received_at'])
    .execute();
  return rows.map((row) => ({
    id: row.stripe_event_id,
    type: row.type,
    subject: eventSubject.parse(row.payload),
    attempts: row.attempts,
    receivedAt: row.received_at,
  }));
}

/** Each event has one outcome: the first one noted stays. */
export async function finishEvents(
  db: Db,
  now: Date,
  ids: readonly string[],
  outcome: string,
): Promise<void> {
  await db
    .updateTable('stripe_event')
    .set({ processed_at: now, outcome, next_attempt_at: null, last_error: null })
    .where('stripe_event_id', 'in', ids)
    .where('processed_at', 'is', null)
    .execute();
}

export async function postponeEvents(
  db: Db,
  at: Date,
  ids: readonly string[],
  reason: string,
): Promise<void> {
  await db
    .updateTable('stripe_event')
    .set({ next_attempt_at: at, last_error: reason })
    .where('stripe_event_id', 'in', ids)
    .where('processed_at', 'is', null)
    .execute();
}
