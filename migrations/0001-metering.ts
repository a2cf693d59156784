import { sql, type Kysely } from 'kysely';

/**
 * Accounts, events and what is derived from events. Instants that integrate are whole epoch seconds
 * (bigint), so that no arithmetic depends on a time zone; instants of bookkeeping are timestamptz.
 * account_id leads every key (D10). Ids compare byte by byte (collation "C"), as compareEvents does.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await accounts(db);
  await events(db);
  await series(db);
}

async function accounts(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table account (
      account_id    text collate "C" primary key,
      email         text not null,
      signed_up_at  bigint not null,
      confirmed_at  bigint,
      upgraded_at   bigint check (upgraded_at >= signed_up_at),
      deleted_at    bigint check (deleted_at >= signed_up_at),
      next_close_at bigint check (next_close_at > signed_up_at),
      last_cut_at   bigint not null,
      late_since    bigint
    )`.execute(db);
  await sql`comment on column account.next_close_at is
    'end of the oldest period that is not closed; null when none is left to close'`.execute(db);
  await sql`comment on column account.last_cut_at is
    'instant of the latest checkpoint: events before it change checkpoints too'`.execute(db);
  await sql`comment on column account.late_since is
    'first instant that facts recorded after the last close changed of closed periods; null when none did'`.execute(
    db,
  );
  await sql`create index account_due on account (next_close_at) where next_close_at is not null`.execute(
    db,
  );
}

async function events(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table event_identity (
      account_id  text collate "C" not null,
      source      text collate "C" not null,
      event_id    text collate "C" not null,
      fingerprint bytea not null check (octet_length(fingerprint) = 16),
      recording   bigint check (recording > 0),
      recorded_at timestamptz not null,
      primary key (account_id, source, event_id)
    )`.execute(db);
  await sql`comment on table event_identity is
    'what is recorded under which name, once and for all months: where its event is, and what it says, so that a repeat is known without it'`.execute(
    db,
  );
  await sql`comment on column event_identity.recording is 'null while the report is parked'`.execute(
    db,
  );
  await sql`
    create table event (
      account_id  text collate "C" not null,
      source      text collate "C" not null,
      event_id    text collate "C" not null,
      type        text collate "C" not null,
      at          bigint not null,
      tie         text collate "C" not null,
      meter       text collate "C" check (meter in ('app', 'database', 'job')),
      resource    text collate "C",
      app         text collate "C",
      level       bigint check (level >= 0),
      size_tenths integer check (size_tenths >= 0),
      details     jsonb,
      is_superseded boolean not null default false,
      recording   bigint not null check (recording > 0),
      superseded_in bigint check (is_superseded = (superseded_in is not null)),
      recorded_at timestamptz not null,
      primary key (account_id, recording, source, event_id, recorded_at),
      check ((meter is null) = (resource is null) and (meter is null) = (level is null)
        and (meter is null) = (size_tenths is null))
    ) partition by range (recorded_at)`.execute(db);
  await sql`create table event_of_other_months partition of event default`.execute(db);
  await sql`comment on table event_of_other_months is
    'events recorded in months that no partition was made for: none is refused for that'`.execute(
    db,
  );
  await sql`create sequence event_recording`.execute(db);
  await sql`comment on table event is
    'facts as reported, never edited, in the order in which they became known; one partition a month'`.execute(
    db,
  );
  await sql`comment on column event.recording is
    'number of the batch it was recorded in, drawn under the lock of its account: the order in which facts became known'`.execute(
    db,
  );
  await sql`comment on column event.is_superseded is
    'derived: a later event.superseded says that this is not true'`.execute(db);
  await sql`comment on column event.superseded_in is
    'drawn from the same numbers when it was: from then on it counts no more'`.execute(db);
  await sql`comment on column event.tie is
    'orders events of one second: fraction of the second, then sequence'`.execute(db);
  await sql`create index event_history
    on event (account_id, meter, resource, at, tie, event_id, source)
    where meter is not null and not is_superseded`.execute(db);
  await sql`create view standing_event as select * from event where not is_superseded`.execute(db);
  await sql`comment on view standing_event is 'the events that count'`.execute(db);
  await sql`create index event_app_deleted on event (account_id, app) where type = 'app.deleted'`.execute(
    db,
  );
  await sql`
    create table parked_event (
      account_id text collate "C" not null,
      source     text collate "C" not null,
      event_id   text collate "C" not null,
      waits_for  text collate "C" not null check (waits_for in ('account', 'app', 'database', 'event')),
      name       text collate "C" not null,
      reported   text not null,
      parked_at  timestamptz not null,
      primary key (account_id, source, event_id)
    )`.execute(db);
  await sql`create index parked_event_waiting on parked_event (account_id, waits_for, name)`.execute(
    db,
  );
  await sql`
    create table quarantined_event (
      digest           bytea primary key,
      account_id       text collate "C",
      source           text collate "C",
      event_id         text collate "C",
      code             text not null,
      field            text not null,
      value            text not null,
      rule             text not null,
      reported         text not null,
      times_seen       bigint not null default 1,
      first_seen_at    timestamptz not null,
      last_seen_at     timestamptz not null
    )`.execute(db);
  await sql`comment on table quarantined_event is
    'refused events, one row per content: what was wrong and what would be right'`.execute(db);
}

async function series(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table series (
      account_id   text collate "C" not null,
      meter        text collate "C" not null check (meter in ('app', 'database', 'job')),
      resource     text collate "C" not null,
      size_tenths  integer not null,
      level        bigint not null check (level >= 0),
      offset_units bigint not null,
      first_at     bigint not null,
      last_at      bigint not null,
      primary key (account_id, meter, resource, size_tenths)
    ) with (fillfactor = 50)`.execute(db);
  await sql`comment on table series is
    'one line per resource and meter: its integral up to t is level × t + offset_units for t >= last_at, and 0 for t <= first_at'`.execute(
    db,
  );
  await sql`
    create table checkpoint (
      account_id     text collate "C" not null,
      meter          text collate "C" not null,
      resource       text collate "C" not null,
      size_tenths    integer not null,
      at             bigint not null,
      integral_units bigint not null check (integral_units >= 0),
      primary key (account_id, meter, resource, size_tenths, at)
    )`.execute(db);
  await sql`comment on table checkpoint is 'the integral of a series at an instant where windows are cut'`.execute(
    db,
  );
  await sql`
    create table database_app (
      account_id text collate "C" not null,
      database   text collate "C" not null,
      app        text collate "C" not null,
      primary key (account_id, database)
    )`.execute(db);
  await sql`comment on table database_app is
    'which app a database belongs to, as its database.available said; later facts name only the database'`.execute(
    db,
  );
  await sql`create index database_app_by_app on database_app (account_id, app)`.execute(db);
  await sql`
    create table job (
      account_id  text collate "C" not null,
      app         text collate "C" not null,
      job         text collate "C" not null,
      size_tenths integer not null,
      started_at  bigint not null,
      ended_at    bigint not null,
      primary key (account_id, app, job),
      check (ended_at between started_at and started_at + 300)
    )`.execute(db);
  await sql`create index job_by_end on job (account_id, app, ended_at)`.execute(db);
}
