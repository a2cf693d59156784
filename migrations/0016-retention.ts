import { sql, type Kysely } from 'kysely';

/** What is forgotten by its age is found by it. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index stripe_event_processed on stripe_event (processed_at)
    where processed_at is not null`.execute(db);
  await sql`create index sign_in_link_by_expiry on sign_in_link (expires_at)`.execute(db);
  await sql`create index sign_up_by_age on sign_up (created_at)`.execute(db);
}
