import { sql, type Kysely } from 'kysely';

/** A line made before a late deletion was known is explained without it: when it became known has to be found. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index event_account_deleted on event (account_id)
    where type = 'account.deleted'`.execute(db);
}
