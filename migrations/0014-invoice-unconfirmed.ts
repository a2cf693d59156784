import { sql, type Kysely } from 'kysely';

/** What nobody confirmed of an invoice's period, as it was known when the invoice was made. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table invoice_unconfirmed (
      account_id text collate "C" not null,
      invoice_id text collate "C" not null,
      source     text collate "C" not null,
      began_at   bigint not null,
      ended_at   bigint,
      primary key (account_id, invoice_id, source, began_at),
      foreign key (account_id, invoice_id) references invoice
    )`.execute(db);
  await sql`comment on column invoice_unconfirmed.ended_at is
    'null: the source had not been heard again when the invoice was made'`.execute(db);
  await sql`
    insert into invoice_unconfirmed (account_id, invoice_id, source, began_at, ended_at)
    select account_id, invoice_id, source, began_at, ended_at
    from invoice join unconfirmed_usage using (account_id)
    where began_at < period_end and (ended_at is null or ended_at > period_start)`.execute(db);
  await sql`create trigger invoice_unconfirmed_frozen before update or delete on invoice_unconfirmed
    for each row execute function refuse_change()`.execute(db);
}
