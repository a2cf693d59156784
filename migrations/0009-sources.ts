import { sql, type Kysely } from 'kysely';

/**
 * Who reports, what we expect of each, and the states they sent whole. Sources are no accounts: these small
 * tables are not distributed by account (D10).
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table source (
      source                 text collate "C" primary key,
      first_heard_at         timestamptz,
      last_heard_at          timestamptz,
      expected_every_seconds integer check (expected_every_seconds > 0),
      policy                 text not null default 'hold' check (policy in ('hold', 'close', 'flag')),
      expected_since         timestamptz,
      silent_since           bigint,
      heard_again_at         timestamptz,
      check ((expected_every_seconds is null) = (expected_since is null)),
      check (heard_again_at is null or silent_since is not null)
    ) with (fillfactor = 50)`.execute(db);
  await sql`comment on column source.last_heard_at is
    'written every ten seconds at most, so that a busy source makes no hot row'`.execute(db);
  await sql`comment on column source.expected_since is
    'when the expectation was set: a source that was never heard is silent from then on'`.execute(
    db,
  );
  await sql`comment on column source.silent_since is
    'when the silence that goes on began: the first instant at which a report was overdue'`.execute(
    db,
  );
  await sql`
    create table source_silence (
      source     text collate "C" not null references source,
      began_at   bigint not null,
      policy     text not null check (policy in ('hold', 'close', 'flag')),
      found_at   timestamptz not null,
      settled_at timestamptz,
      ended_at   timestamptz,
      primary key (source, began_at)
    )`.execute(db);
  await sql`comment on column source_silence.settled_at is
    'when all that its policy asks for was done'`.execute(db);
  await sql`create index source_silence_unsettled on source_silence (source)
    where settled_at is null`.execute(db);
  await sql`
    create table silence_end (
      account_id  text collate "C" not null,
      source      text collate "C" not null,
      began_at    bigint not null,
      meter       text collate "C" not null check (meter in ('app', 'database')),
      resource    text collate "C" not null,
      event_id    text collate "C" not null,
      primary key (account_id, source, began_at, meter, resource)
    )`.execute(db);
  await sql`comment on table silence_end is
    'what ended with a silence, to come back when its source is heard again; the event that ended it'`.execute(
    db,
  );
  await sql`create index silence_end_by_source on silence_end (source, began_at, account_id)`.execute(
    db,
  );
  await sql`
    create table unconfirmed_usage (
      account_id  text collate "C" not null,
      source      text collate "C" not null,
      began_at    bigint not null,
      ended_at    bigint,
      primary key (account_id, source, began_at)
    )`.execute(db);
  await sql`comment on table unconfirmed_usage is
    'silences by which an account is flagged: what ran of its source then is billed as it was last reported'`.execute(
    db,
  );
  await sql`create index unconfirmed_usage_open on unconfirmed_usage (source, began_at)
    where ended_at is null`.execute(db);
  await sql`
    create table snapshot (
      source        text collate "C" not null,
      taken_at      bigint not null,
      fraction      text collate "C" not null,
      digest        bytea not null,
      resources     integer not null,
      is_forced     boolean not null,
      received_at   timestamptz not null,
      applied_at    timestamptz,
      primary key (source, taken_at, fraction)
    )`.execute(db);
  await sql`comment on table snapshot is
    'whole states that sources reported; one of each instant. The differences are events'`.execute(
    db,
  );
}
