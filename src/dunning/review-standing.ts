import { sql } from 'kysely';
import type { Db } from '../database/pool.ts';
import type { Clock } from '../values/clock.ts';

export type StandingChange = {
  readonly accountId: string;
  readonly isPastDue: boolean;
  /** Counts the changes of the account's standing. */
  readonly change: number;
};

/**
 * Compares every account's standing with its invoices and changes what differs: past due while an
 * invoice is owed that was declined or has no card to charge; restored when none is owed any more, nor
 * waits unpaid for an operator. Each change is one signal row for the platform, in the same transaction;
 * safe to repeat at any time (R41c).
 */
export async function reviewStanding({
  db,
  clock,
}: {
  readonly db: Db;
  readonly clock: Clock;
}): Promise<StandingChange[]> {
  return await db.transaction().execute(async (tx) => {
    const now = clock();
    // One reviewer at a time: two would tell the platform the same thing twice.
    await sql`select pg_advisory_xact_lock(hashtextextended('gigameter review-standing', 0))`.execute(
      tx,
    );
    const { rows } = await sql<{ account_id: string; is_past_due: boolean; changes: number }>`
      with owed as (
        select account_id, bool_or(state = 'uncollectible' or state_reason = 'no card' or exists (
            select from payment_attempt a where a.account_id = invoice.account_id
              and a.invoice_id = invoice.invoice_id and a.state = 'failed')) as is_declined
        from invoice where state in ('open', 'uncollectible') group by account_id
      ), changed as (
        select account_id, true as is_past_due from owed
        where is_declined and not exists (select from account_standing s
          where s.account_id = owed.account_id and s.past_due_since is not null)
        union all
        select account_id, false from account_standing s
        where past_due_since is not null
          and not exists (select from owed where owed.account_id = s.account_id)
          and not exists (select from invoice i where i.account_id = s.account_id
            and i.state = 'needs_operator' and i.finalized_at is not null)
      )
      insert into account_standing (account_id, past_due_since, changes, updated_at)
      select account_id, case when is_past_due then ${now}::timestamptz end, 1, ${now}::timestamptz
      from changed
      on conflict (account_id) do update set past_due_since = excluded.past_due_since,
        changes = account_standing.changes + 1, updated_at = excluded.updated_at
      returning account_id, past_due_since is not null as is_past_due, changes`.execute(tx);
    const changes = rows.map((row) => ({
      accountId: row.account_id,
      isPastDue: row.is_past_due,
      change: row.changes,
    }));
    await signal(tx, now, changes);
    return changes;
  });
}

async function signal(tx: Db, now: Date, changes: readonly StandingChange[]): Promise<void> {
  if (changes.length === 0) return;
  await tx
    .insertInto('signal')
    .values(
      changes.map(({ accountId, isPastDue, change }) => {
        const kind = isPastDue ? 'account.past_due' : 'account.restored';
        return {
          account_id: accountId,
          signal_id: `standing:${change}`,
          kind,
          details: '{}',
          created_at: now,
        };
      }),
    )
    .execute();
}
