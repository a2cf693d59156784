import { sql, type Kysely } from 'kysely';

/** Accounts that ended, too, get an invoice of what late facts correct. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index account_late_after_deletion on account (account_id)
    where late_since is not null and deleted_at is not null and next_close_at is null`.execute(db);
}
