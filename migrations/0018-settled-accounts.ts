import { sql, type Kysely } from 'kysely';

/** A snapshot asks whether anything is settled after its instant. Where the index was made before, it stays. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index if not exists account_settled on account (settled_at)
    where settled_at is not null`.execute(db);
}
