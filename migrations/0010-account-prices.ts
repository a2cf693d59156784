import { sql, type Kysely } from 'kysely';

/**
 * Prices that change: planned price books, and what single accounts pay instead. What closed periods were
 * billed by is never changed; the triggers hold that behind the verbs that refuse it with a reason.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await priceBooks(db);
  await accountPrices(db);
}

async function priceBooks(db: Kysely<unknown>): Promise<void> {
  await sql`alter table price_book
    add column added_by text,
    add column withdrawn_at timestamptz,
    add column withdrawn_by text,
    add check ((withdrawn_at is null) = (withdrawn_by is null)),
    drop constraint price_book_effective_at_key`.execute(db);
  await sql`comment on column price_book.added_by is
    'null for the book every installation starts with'`.execute(db);
  await sql`comment on column price_book.withdrawn_at is
    'when it was taken back, before it came into force: it never counted'`.execute(db);
  await sql`create unique index price_book_in_force on price_book (effective_at)
    where withdrawn_at is null`.execute(db);
  await sql`
    create function keep_price_books() returns trigger language plpgsql as $$
    begin
      if tg_op = 'DELETE' or (new.price_book_id, new.effective_at, new.content, new.created_at, new.added_by)
          is distinct from (old.price_book_id, old.effective_at, old.content, old.created_at, old.added_by) then
        raise exception 'price book % is a fact: a new one changes prices', old.price_book_id;
      end if;
      if exists (select from billing_period where end_at > old.effective_at) then
        raise exception 'periods were billed by price book %', old.price_book_id;
      end if;
      return new;
    end $$`.execute(db);
  await sql`create trigger price_book_kept before update or delete on price_book
    for each row execute function keep_price_books()`.execute(db);
}

async function accountPrices(db: Kysely<unknown>): Promise<void> {
  await sql`create extension if not exists btree_gist`.execute(db);
  await sql`
    create table account_price (
      account_id text collate "C" not null references account,
      price_id   text collate "C" not null,
      from_at    bigint not null,
      to_at      bigint check (to_at >= from_at),
      content    jsonb not null,
      actor      text not null,
      reason     text not null,
      created_at timestamptz not null,
      ended_at   timestamptz,
      ended_by   text,
      end_reason text,
      primary key (account_id, price_id),
      check ((ended_at is null) = (ended_by is null) and (ended_at is null) = (end_reason is null)),
      constraint account_price_one_at_a_time
        exclude using gist (account_id with =, int8range(from_at, to_at) with &&)
    )`.execute(db);
  await sql`comment on table account_price is
    'what one account pays instead of the prices of the book, in [from_at, to_at)'`.execute(db);
  await sql`comment on column account_price.to_at is
    'null until further notice; an end may come earlier than was said, never later'`.execute(db);
  await sql`
    create function keep_account_prices() returns trigger language plpgsql as $$
    declare
      changed_from bigint := new.from_at;
    begin
      if tg_op = 'UPDATE' then
        if (new.account_id, new.price_id, new.from_at, new.content, new.actor, new.reason, new.created_at)
            is distinct from
            (old.account_id, old.price_id, old.from_at, old.content, old.actor, old.reason, old.created_at)
            or new.to_at is null or new.to_at > old.to_at then
          raise exception 'price % of account % is a fact: it can only end earlier', old.price_id, old.account_id;
        end if;
        changed_from := new.to_at;
      end if;
      if exists (select from billing_period
          where account_id = new.account_id and end_at > changed_from) then
        raise exception 'periods of account % from % on were billed', new.account_id, changed_from;
      end if;
      return new;
    end $$`.execute(db);
  await sql`create trigger account_price_kept before insert or update on account_price
    for each row execute function keep_account_prices()`.execute(db);
  await sql`create trigger account_price_not_deleted before delete on account_price
    for each row execute function refuse_change()`.execute(db);
}
