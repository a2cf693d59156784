import type { Db } from '../database/pool.ts';
import type { Event } from '../events/event.ts';
import type { Second } from '../values/instant.ts';

/** A reported fact beyond a limit of the free tier (R22). */
export type Violation = {
  readonly code: string;
  /** The app or database it is about. */
  readonly subject: string;
  readonly message: string;
  readonly at: Second;
  readonly source: string;
  readonly eventId: string;
};

export type NewViolation = Pick<Violation, 'code' | 'subject' | 'message'> & {
  readonly event: Event;
};

/** Safe to repeat: an event breaks a limit once. */
export async function addViolations(
  tx: Db,
  now: Date,
  violations: readonly NewViolation[],
): Promise<void> {
  if (violations.length === 0) return;
  await tx
    .insertInto('violation')
    .values(
      violations.map(({ code, subject, message, event }) => ({
        account_id: event.account,
        source: event.source,
        event_id: event.id,
        code,
        subject,
        message,
        at: event.occurredAt.second,
        recorded_at: now,
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** What was reported beyond the limits of an account, the latest first. */
export async function listViolations(
  db: Db,
  accountId: string,
  limit = 100,
): Promise<readonly Violation[]> {
  const rows = await db
    .selectFrom('violation')
    .selectAll()
    .where('account_id', '=', accountId)
    .orderBy('at', 'desc')
    .orderBy('event_id', 'desc')
    .orderBy('code')
    .limit(limit)
    .execute();
  return rows.map(({ code, subject, message, at, source, event_id: eventId }) => ({
    code,
    subject,
    message,
    at,
    source,
    eventId,
  }));
}
