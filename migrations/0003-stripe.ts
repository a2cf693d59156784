import { sql, type Kysely } from 'kysely';

/** What we ask of Stripe and what it tells us; collection; signals to the platform. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await customers(db);
  await operations(db);
  await stripeEvents(db);
  await collection(db);
}

async function customers(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table stripe_customer (
      account_id         text collate "C" primary key references account,
      generation         integer not null default 0,
      stripe_customer_id text,
      payment_method_id  text,
      brand              text,
      last4              text check (last4 ~ '^[0-9]{4}$'),
      exp_month          integer,
      exp_year           integer,
      fingerprint        text,
      updated_at         timestamptz not null
    )`.execute(db);
  await sql`comment on column stripe_customer.generation is
    'raised when the customer was deleted at Stripe: the next card makes a new one'`.execute(db);
}

async function operations(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table stripe_lease (
      account_id text collate "C" primary key,
      fence      bigint not null,
      until      timestamptz not null
    )`.execute(db);
  await sql`comment on table stripe_lease is
    'who may call Stripe for an account; an older fence may no longer save results'`.execute(db);
  await sql`
    create table stripe_operation (
      account_id      text collate "C" not null,
      subject         text collate "C" not null,
      step            text collate "C" not null,
      generation      integer not null check (generation >= 0),
      idempotency_key text collate "C" not null check (length(idempotency_key) <= 255),
      method          text not null,
      path            text not null,
      params          jsonb not null,
      api_version     text not null,
      state           text not null check (state in ('planned', 'sent', 'done', 'refused', 'unknown')),
      first_sent_at   timestamptz,
      last_sent_at    timestamptz,
      sends           integer not null default 0,
      http_status     integer,
      error_type      text,
      error_code      text,
      decline_code    text,
      error_message   text,
      request_id      text,
      result          jsonb,
      primary key (account_id, subject, step, generation),
      unique (account_id, idempotency_key)
    )`.execute(db);
  await sql`comment on table stripe_operation is
    'every call that changes something at Stripe, its parameters frozen before it is first sent'`.execute(
    db,
  );
}

async function stripeEvents(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table stripe_event (
      stripe_event_id text primary key,
      type            text not null,
      object_id       text,
      created_at      timestamptz not null,
      payload         jsonb not null,
      received_at     timestamptz not null,
      processed_at    timestamptz,
      outcome         text,
      attempts        integer not null default 0,
      next_attempt_at timestamptz,
      last_error      text
    )`.execute(db);
  await sql`create index stripe_event_waiting on stripe_event (next_attempt_at, received_at)
    where processed_at is null`.execute(db);
}

async function collection(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table payment_attempt (
      account_id        text collate "C" not null,
      invoice_id        text collate "C" not null,
      attempt           integer not null check (attempt > 0),
      payment_method_id text not null,
      state             text not null check (state in ('planned', 'paid', 'failed', 'unknown')),
      started_at        timestamptz not null,
      ended_at          timestamptz,
      error_code        text,
      decline_code      text,
      message           text,
      payment_intent_id text,
      charge_id         text,
      primary key (account_id, invoice_id, attempt),
      foreign key (account_id, invoice_id) references invoice
    )`.execute(db);
  await sql`
    create table signal (
      account_id text collate "C" not null,
      signal_id  text collate "C" not null,
      kind       text not null,
      details    jsonb not null,
      created_at timestamptz not null,
      primary key (account_id, signal_id)
    )`.execute(db);
  await sql`comment on table signal is 'what the platform is told; it acts, we do not (D12)'`.execute(
    db,
  );
  await sql`
    create table account_standing (
      account_id     text collate "C" primary key references account,
      past_due_since timestamptz,
      updated_at     timestamptz not null
    )`.execute(db);
}
