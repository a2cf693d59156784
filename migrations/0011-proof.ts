import { sql, type Kysely } from 'kysely';

/** The hash chain over an account's events, in the order in which they became known. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table event_seal (
      account_id   text collate "C" not null,
      sealed_count bigint not null,
      recording    bigint not null,
      source       text collate "C" not null,
      event_id     text collate "C" not null,
      links        bytea not null check (length(links) > 0 and length(links) % 32 = 0),
      primary key (account_id, sealed_count)
    )`.execute(db);
  await sql`comment on table event_seal is
    'append-only: the links of consecutive events, 32 bytes each, up to the event named here'`.execute(
    db,
  );
  await sql`create trigger event_seal_frozen before update or delete on event_seal
    for each row execute function refuse_change()`.execute(db);
  await sql`alter table invoice add column chain_head text check (length(chain_head) = 64)`.execute(
    db,
  );
  await sql`comment on column invoice.chain_head is
    'link of the last event that was known when it was computed, in hex; null until the events are sealed'`.execute(
    db,
  );
  await sql`create index invoice_unsealed on invoice (created_at) where chain_head is null`.execute(
    db,
  );
}
