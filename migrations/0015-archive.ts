import { sql, type Kysely } from 'kysely';

/**
 * Months of events that were written to files, and what the meter keeps of them: the integral of each series up
 * to where its archived events may begin.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table archived_month (
      month         text primary key check (month ~ '^\\d{4}-\\d\\d$'),
      file          text not null,
      rows          bigint not null check (rows >= 0),
      carried       bigint not null check (carried between 0 and rows),
      file_bytes    bigint not null,
      file_sha256   text not null check (length(file_sha256) = 64),
      lines_sha256  text not null check (length(lines_sha256) = 64),
      archived_at   timestamptz not null
    )`.execute(db);
  await sql`comment on table archived_month is
    'months whose events are in a file; carried of them are still needed and stay in event_of_other_months'`.execute(
    db,
  );
  await sql`create index event_of_other_months_recorded on event_of_other_months (recorded_at)`.execute(
    db,
  );
  await sql`
    create table archived_account (
      account_id text collate "C" not null,
      month      text not null,
      events     bigint not null check (events > 0),
      primary key (account_id, month)
    )`.execute(db);
  await sql`comment on table archived_account is
    'how many events of an account left with a month'`.execute(db);
  await sql`
    create table series_base (
      account_id   text collate "C" not null,
      meter        text collate "C" not null check (meter in ('app', 'database')),
      resource     text collate "C" not null,
      size_tenths  integer not null,
      until_at     bigint not null,
      level        bigint not null check (level >= 0),
      offset_units bigint not null,
      first_at     bigint not null,
      last_at      bigint not null,
      primary key (account_id, meter, resource, size_tenths)
    )`.execute(db);
  await sql`comment on table series_base is
    'what a series comes to before until_at: its integral (offset_units) and the level it had then; facts about that time change nothing any more, and may be archived'`.execute(
    db,
  );
  await sql`alter table account add column settled_at bigint`.execute(db);
  await sql`comment on column account.settled_at is
    'all bases of its series and archived jobs lie before this instant; null when it has none'`.execute(
    db,
  );
  await sql`alter table job add column is_archived boolean not null default false`.execute(db);
  await sql`comment on column job.is_archived is
    'its events may be archived: this row is the fact now'`.execute(db);
}
