import { sql, type Kysely } from 'kysely';

/**
 * Who looks at pages, and what operators do there. A link or a cookie is looked up before its account is
 * known, so these two small tables are not distributed by account (D10), as keys are not.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table sign_in_link (
      token_sha256 bytea primary key check (octet_length(token_sha256) = 32),
      account_id   text collate "C",
      actor        text not null,
      created_at   timestamptz not null,
      expires_at   timestamptz not null check (expires_at > created_at),
      used_at      timestamptz
    )`.execute(db);
  await sql`comment on table sign_in_link is
    'links that open a session once; account_id is null for those of operators'`.execute(db);
  await sql`
    create table page_session (
      session_sha256 bytea primary key check (octet_length(session_sha256) = 32),
      account_id     text collate "C",
      scopes         text[] not null check (cardinality(scopes) > 0),
      actor          text not null,
      key_id         text collate "C",
      created_at     timestamptz not null,
      expires_at     timestamptz not null check (expires_at > created_at),
      ended_at       timestamptz,
      check (account_id is null or scopes = array['read'])
    )`.execute(db);
  await sql`comment on column page_session.key_id is
    'the API key it was opened with: it ends with that'`.execute(db);
  await sql`create index page_session_by_expiry on page_session (expires_at)`.execute(db);
  await sql`
    create table operator_action (
      account_id text collate "C" not null,
      action_id  text collate "C" not null,
      actor      text not null,
      kind       text not null,
      details    jsonb not null,
      state      text not null check (state in ('started', 'done', 'refused')),
      message    text,
      started_at timestamptz not null,
      ended_at   timestamptz,
      primary key (account_id, action_id),
      check ((state = 'started') = (ended_at is null))
    )`.execute(db);
  await sql`comment on table operator_action is
    'what operators did on pages, written before it is done; account_id is empty when no account is known'`.execute(
    db,
  );
  await sql`create index operator_action_latest on operator_action (started_at)`.execute(db);
  await latest(db);
}

/** What an operator's page asks for by time: small indexes, since these tables grow in that order. */
async function latest(db: Kysely<unknown>): Promise<void> {
  await sql`create index billing_period_closed on billing_period using brin (closed_at)`.execute(
    db,
  );
  await sql`create index invoice_made on invoice using brin (created_at)`.execute(db);
  await sql`create index payment_attempt_ended on payment_attempt using brin (ended_at)`.execute(
    db,
  );
  await sql`create index invoice_needs_operator on invoice (created_at)
    where state = 'needs_operator'`.execute(db);
  await sql`create index signal_latest on signal (created_at)`.execute(db);
  await sql`create index parked_event_oldest on parked_event (parked_at)`.execute(db);
  await sql`create index quarantined_event_latest on quarantined_event (last_seen_at)`.execute(db);
}
