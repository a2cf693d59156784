import { sql, type Kysely } from 'kysely';

/** What exceeds limits, what the platform is asked to run, and who may ask for it. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await limits(db);
  await platform(db);
  await logins(db);
}

async function limits(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table violation (
      account_id  text collate "C" not null references account,
      source      text collate "C" not null,
      event_id    text collate "C" not null,
      code        text not null,
      subject     text collate "C" not null,
      message     text not null,
      at          bigint not null,
      recorded_at timestamptz not null,
      primary key (account_id, source, event_id, code)
    )`.execute(db);
  await sql`comment on table violation is
    'reported facts beyond a limit of the free tier: they are recorded all the same (R22)'`.execute(
    db,
  );
  await sql`create index violation_history on violation (account_id, at)`.execute(db);
  await sql`
    create table database_row_limit (
      account_id text collate "C" not null references account,
      database   text collate "C" not null,
      rows       bigint not null,
      limited_at bigint not null,
      primary key (account_id, database)
    )`.execute(db);
  await sql`comment on table database_row_limit is
    'free databases with too many rows at their latest observation, and since when (R21)'`.execute(
    db,
  );
  await sql`create index event_rows_observed
    on event (account_id, (details ->> 'database'), at, tie, event_id, source)
    where type = 'database.rows_observed'`.execute(db);
}

async function platform(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table app_name (
      app        text collate "C" primary key,
      account_id text collate "C" not null
    )`.execute(db);
  await sql`comment on table app_name is
    'whose app has a name: names are unique over all accounts and never given out twice'`.execute(
    db,
  );
  await sql`
    create table desired_app (
      account_id  text collate "C" not null references account,
      app         text collate "C" not null,
      replicas    integer not null check (replicas >= 0),
      size_tenths integer not null,
      created_at  timestamptz not null,
      primary key (account_id, app)
    )`.execute(db);
  await sql`comment on table desired_app is
    'apps created by command, with what is desired of them until they are deployed; from then on their facts say'`.execute(
    db,
  );
  await sql`
    create table desired_database (
      account_id   text collate "C" not null references account,
      database     text collate "C" not null,
      app          text collate "C" not null,
      size_tenths  integer not null,
      requested_at timestamptz not null,
      deleted_at   timestamptz,
      primary key (account_id, database)
    )`.execute(db);
  await sql`comment on table desired_database is
    'databases created by command, with what is desired of them until they are available; from then on their facts say'`.execute(
    db,
  );
  await sql`
    create table database_connection (
      account_id    text collate "C" not null references account,
      database      text collate "C" not null,
      host          text,
      port          integer,
      username      text,
      password      text,
      database_name text,
      url           text,
      reported_at   timestamptz not null,
      primary key (account_id, database)
    )`.execute(db);
  await sql`comment on table database_connection is
    'how the owner reaches a database, as the platform reported it'`.execute(db);
  await sql`
    create table permission (
      account_id text collate "C" not null references account,
      app        text collate "C" not null,
      email      text collate "C" not null check (email = lower(email)),
      role       text,
      granted_at timestamptz not null,
      primary key (account_id, app, email)
    )`.execute(db);
  await sql`comment on table permission is
    'collaborators: they act on an app, its owner (account_id) pays (R38)'`.execute(db);
  await sql`create index permission_by_email on permission (email, app)`.execute(db);
}

async function logins(db: Kysely<unknown>): Promise<void> {
  await sql`create index account_by_email on account (lower(email)) where deleted_at is null`.execute(
    db,
  );
  await sql`
    create table login (
      account_id    text collate "C" primary key references account,
      email         text collate "C" not null unique check (email = lower(email)),
      password_hash text not null,
      changed_at    timestamptz not null
    )`.execute(db);
  await sql`comment on table login is
    'who may log in to an account; deleted with the account, so that the address is free again'`.execute(
    db,
  );
  await sql`
    create table email_token (
      account_id   text collate "C" not null references account,
      token_sha256 bytea not null check (octet_length(token_sha256) = 32),
      purpose      text not null check (purpose in ('confirm_email', 'reset_password')),
      created_at   timestamptz not null,
      expires_at   timestamptz not null,
      used_at      timestamptz,
      primary key (account_id, token_sha256)
    )`.execute(db);
  await sql`create index email_token_by_hash on email_token (token_sha256)`.execute(db);
  await sql`
    create table sign_up (
      sign_up_id     text collate "C" primary key,
      account_id     text collate "C" not null unique,
      email          text collate "C" not null check (email = lower(email)),
      code_sha256    bytea not null check (octet_length(code_sha256) = 32),
      wrong_codes    integer not null default 0,
      created_at     timestamptz not null,
      confirmed_at   timestamptz,
      password_hash  text,
      completed_at   timestamptz
    )`.execute(db);
  await sql`comment on table sign_up is
    'sign-ups in several steps; account_id is the account it becomes at its end'`.execute(db);
  await sql`create index sign_up_by_email on sign_up (email, created_at)`.execute(db);
}
