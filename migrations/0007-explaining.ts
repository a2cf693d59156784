import { sql, type Kysely } from 'kysely';

/** What it takes to say at once what became of an event, and what a line of an invoice adds up from. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index event_job_starts on event (account_id, app, at)
    where meter = 'job' and level = 1`.execute(db);
  await sql`create index event_superseded on event (account_id, meter, resource, at)
    where is_superseded`.execute(db);
  await sql`create index event_upgraded on event (account_id)
    where type = 'account.upgraded'`.execute(db);
  await sql`create index quarantined_event_by_identity
    on quarantined_event (account_id, source, event_id)`.execute(db);
}
