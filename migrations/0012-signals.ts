import { sql, type Kysely } from 'kysely';

/**
 * Signals wait until whoever acts on them says that they have arrived, in the order in which they were made:
 * those of one account are made under its lock, and of two in one millisecond the later one must come last.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table signal add column position bigint generated always as identity`.execute(db);
  await sql`alter table signal add column acknowledged_at timestamptz`.execute(db);
  await sql`create index signal_waiting on signal (position) where acknowledged_at is null`.execute(
    db,
  );
}
