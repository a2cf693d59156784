import { sql, type Kysely } from 'kysely';

/** What an operator's pages ask for: how much was recorded lately, who owes, and accounts by what people type. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // Small and cheap to keep: events are recorded in the order of their instants.
  await sql`create index event_recorded on event using brin (recorded_at)`.execute(db);
  await sql`create index account_standing_past_due on account_standing (past_due_since)
    where past_due_since is not null`.execute(db);
  await sql`create index signal_of_account on signal (account_id, created_at)`.execute(db);
  await sql`create index account_by_email_prefix on account (lower(email) collate "C", account_id)`.execute(
    db,
  );
}
