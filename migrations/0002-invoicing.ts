import { sql, type Kysely } from 'kysely';

/** The documentation's prices, as DOCUMENTED_PRICES has them: a test holds the two together. */
const GIGALIXIR_0_15_0 = {
  replica_size_second_usd: '0.00001866786',
  database_month_usd: {
    '0.6': '25',
    '1.7': '50',
    '4': '400',
    '8': '800',
    '16': '1600',
    '32': '3200',
    '64': '6400',
    '128': '12800',
  },
  month: 'billing_period',
  minimum_charge_cents: 50,
};

/** Prices, closed periods, invoices and the ledger: all of them facts, never edited once written. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await prices(db);
  await invoices(db);
  await ledger(db);
}

async function prices(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table price_book (
      price_book_id text primary key,
      effective_at  bigint not null unique,
      content       jsonb not null,
      created_at    timestamptz not null
    )`.execute(db);
  await sql`
    insert into price_book (price_book_id, effective_at, content, created_at)
    values ('gigalixir-0.15.0', 0, ${JSON.stringify(GIGALIXIR_0_15_0)}, '2017-09-14T00:00:00Z')`.execute(
    db,
  );
}

async function invoices(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table billing_period (
      account_id text collate "C" not null references account,
      start_at   bigint not null,
      end_at     bigint not null,
      tier       text not null check (tier in ('FREE', 'STANDARD')),
      closed_at  timestamptz not null,
      primary key (account_id, start_at),
      unique (account_id, end_at),
      check (start_at < end_at)
    )`.execute(db);
  await sql`comment on table billing_period is 'closed periods: each is closed once'`.execute(db);
  await sql`
    create table invoice (
      account_id        text collate "C" not null,
      invoice_id        text collate "C" not null,
      period_start      bigint not null,
      period_end        bigint not null,
      revision          integer not null default 0 check (revision >= 0),
      currency          text not null default 'usd',
      total_cents       bigint not null check (total_cents >= 0),
      lines_sha256      text not null,
      recording         bigint not null default nextval('event_recording'),
      state             text not null check (state in ('frozen', 'drafted', 'filled', 'verified',
        'finalizing', 'open', 'paid', 'settled', 'void', 'uncollectible', 'needs_operator')),
      state_reason      text,
      created_at        timestamptz not null,
      finalized_at      timestamptz,
      paid_at           timestamptz,
      next_attempt_at   timestamptz,
      stripe_invoice_id text,
      stripe_number     text,
      hosted_url        text,
      pdf_url           text,
      primary key (account_id, invoice_id),
      unique (account_id, period_start, revision),
      unique (account_id, stripe_invoice_id),
      foreign key (account_id, period_start) references billing_period (account_id, start_at)
    )`.execute(db);
  await sql`comment on column invoice.recording is
    'number of the last batch of events that was known when it was computed'`.execute(db);
  await sql`create unique index invoice_one_per_period on invoice (account_id, period_start)
    where state <> 'void'`.execute(db);
  await sql`create index invoice_unfinished on invoice (created_at)
    where state in ('frozen', 'drafted', 'filled', 'verified', 'finalizing')`.execute(db);
  await sql`create index invoice_collecting on invoice (next_attempt_at) where state = 'open'`.execute(
    db,
  );
  await sql`create index invoice_by_id on invoice (invoice_id)`.execute(db);
  await sql`
    create table invoice_line (
      account_id   text collate "C" not null,
      invoice_id   text collate "C" not null,
      line_number  integer not null check (line_number > 0),
      kind         text not null check (kind in ('app', 'database', 'carried', 'credit', 'adjustment')),
      app          text collate "C",
      database     text collate "C",
      size_tenths  integer,
      quantity     bigint not null,
      description  text not null,
      amount_cents bigint not null,
      adjusts_period_start bigint,
      check ((kind = 'adjustment') = (adjusts_period_start is not null)),
      primary key (account_id, invoice_id, line_number),
      foreign key (account_id, invoice_id) references invoice
    )`.execute(db);
  await sql`comment on column invoice_line.quantity is
    'tenths of replica-size-seconds for apps, seconds for databases, 0 otherwise; adjustments hold the difference'`.execute(
    db,
  );
  await sql`comment on column invoice_line.adjusts_period_start is
    'start of the earlier period an adjustment corrects'`.execute(db);
  await sql`create index invoice_line_adjusting on invoice_line (account_id, adjusts_period_start)
    where adjusts_period_start is not null`.execute(db);
}

async function ledger(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table ledger_entry (
      account_id   text collate "C" not null references account,
      entry_id     text collate "C" not null,
      book         text not null check (book in ('credit', 'carried', 'cash')),
      kind         text not null,
      amount_cents bigint not null,
      invoice_id   text collate "C",
      actor        text not null,
      reason       text,
      recorded_at  timestamptz not null,
      primary key (account_id, entry_id)
    )`.execute(db);
  await sql`comment on table ledger_entry is
    'append-only money facts; the balance of a book is the sum of its entries. credit: what the account may still use; carried: what earlier invoices were too small to charge; cash: what was paid, less refunds'`.execute(
    db,
  );
  await sql`
    create function refuse_change() returns trigger language plpgsql as $$
    begin
      raise exception '% of % is not allowed: its rows are facts', tg_op, tg_table_name;
    end $$`.execute(db);
  await sql`create trigger ledger_entry_frozen before update or delete on ledger_entry
    for each row execute function refuse_change()`.execute(db);
  await sql`create trigger invoice_line_frozen before update or delete on invoice_line
    for each row execute function refuse_change()`.execute(db);
}
