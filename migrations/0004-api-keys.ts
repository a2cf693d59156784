import { sql, type Kysely } from 'kysely';

/**
 * API keys. A key is looked up before its account is known, so this small table is not distributed by
 * account (D10) and names the account without a foreign key.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table api_key (
      key_id       text collate "C" primary key,
      key_sha256   bytea not null unique check (octet_length(key_sha256) = 32),
      account_id   text collate "C",
      scopes       text[] not null check (cardinality(scopes) > 0
        and scopes <@ array['ingest', 'read', 'billing', 'admin']),
      label        text not null,
      created_at   timestamptz not null,
      expires_at   timestamptz not null check (expires_at > created_at),
      revoked_at   timestamptz,
      last_used_at timestamptz,
      check (account_id is null or scopes = array['read'])
    )`.execute(db);
  await sql`comment on column api_key.account_id is
    'the only account an account key is good for; null for the keys of operators'`.execute(db);
  await sql`create index api_key_by_account on api_key (account_id, created_at)`.execute(db);
}
