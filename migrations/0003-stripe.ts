import { sql, type Kysely } from 'kysely';

/** What we ask of Stripe and what it tells us; collection; signals to the platform. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await customers(db);
  await operations(db);
  await stripeEvents(db);
  await collection(db);
  await invoiceIndexes(db);
  await refunds(db);
  await drift(db);
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
      card_setup_id      text collate "C",
      updated_at         timestamptz not null
    )`.execute(db);
  await sql`comment on column stripe_customer.generation is
    'raised when the customer was deleted at Stripe: the next card makes a new one'`.execute(db);
  await sql`create unique index stripe_customer_by_id on stripe_customer (account_id, stripe_customer_id)`.execute(
    db,
  );
  await sql`create index stripe_customer_by_stripe_id on stripe_customer (stripe_customer_id)`.execute(
    db,
  );
  await sql`
    create table card_setup (
      account_id          text collate "C" not null references account,
      card_setup_id       text collate "C" not null,
      source_sha256       text not null,
      state               text not null check (state in ('started', 'done', 'refused')),
      checkout_session_id text collate "C",
      checkout_url        text,
      payment_method_id   text,
      message             text,
      started_at          timestamptz not null,
      ended_at            timestamptz,
      primary key (account_id, card_setup_id)
    )`.execute(db);
  await sql`comment on table card_setup is
    'one attempt to set a card: from a token, a payment method or a Checkout session, of which only a hash is kept'`.execute(
    db,
  );
  await sql`create unique index card_setup_started on card_setup (account_id, source_sha256)
    where state = 'started'`.execute(db);
  await sql`create index card_setup_by_session on card_setup (checkout_session_id)
    where checkout_session_id is not null`.execute(db);
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
  await sql`
    create table stripe_rate (
      bucket     text collate "C" primary key,
      free_at    timestamptz not null,
      halvings   integer not null default 0 check (halvings between 0 and 10),
      halved_at  timestamptz not null,
      shut_until timestamptz
    )`.execute(db);
  await sql`comment on column stripe_rate.free_at is
    'when the next call of this bucket may leave; all processes take their turns from it'`.execute(
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
      state             text not null check (state in ('planned', 'paid', 'failed')),
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
  await sql`create unique index payment_attempt_one_at_a_time on payment_attempt (account_id, invoice_id)
    where state = 'planned'`.execute(db);
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
      changes        integer not null,
      updated_at     timestamptz not null
    )`.execute(db);
}

async function invoiceIndexes(db: Kysely<unknown>): Promise<void> {
  await sql`create index invoice_owed on invoice (account_id)
    where state in ('open', 'uncollectible')`.execute(db);
  await sql`create index invoice_by_stripe_id on invoice (stripe_invoice_id)
    where stripe_invoice_id is not null`.execute(db);
}

async function refunds(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table money_back (
      account_id    text collate "C" not null references account,
      money_back_id text collate "C" not null,
      amount_cents  bigint not null check (amount_cents > 0),
      credit_cents  bigint not null check (credit_cents between 0 and amount_cents),
      actor         text not null,
      reason        text not null,
      requested_at  timestamptz not null,
      primary key (account_id, money_back_id)
    )`.execute(db);
  await sql`comment on table money_back is
    'what an operator gave back (R41): partly as credit, the rest as the refunds of its parts'`.execute(
    db,
  );
  await sql`
    create table refund (
      account_id       text collate "C" not null,
      refund_id        text collate "C" not null,
      money_back_id    text collate "C",
      invoice_id       text collate "C" not null,
      amount_cents     bigint not null check (amount_cents > 0),
      state            text not null check (state in ('planned', 'pending', 'done', 'failed', 'needs_operator')),
      state_reason     text,
      created_at       timestamptz not null,
      next_attempt_at  timestamptz,
      credit_note_id   text collate "C",
      stripe_refund_id text collate "C",
      primary key (account_id, refund_id),
      unique (account_id, stripe_refund_id),
      foreign key (account_id, invoice_id) references invoice,
      foreign key (account_id, money_back_id) references money_back
    )`.execute(db);
  await sql`comment on column refund.money_back_id is 'null when it was made by hand at Stripe'`.execute(
    db,
  );
  await sql`create index refund_unfinished on refund (created_at) where state = 'planned'`.execute(
    db,
  );
  await sql`create index refund_by_invoice on refund (account_id, invoice_id)`.execute(db);
  await sql`
    create table dispute (
      account_id        text collate "C" not null,
      dispute_id        text collate "C" not null,
      invoice_id        text collate "C" not null,
      charge_id         text,
      amount_cents      bigint not null,
      status            text not null,
      reason            text,
      opened_at         timestamptz not null,
      closed_at         timestamptz,
      updated_at        timestamptz not null,
      primary key (account_id, dispute_id),
      foreign key (account_id, invoice_id) references invoice
    )`.execute(db);
}

async function drift(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table drift (
      account_id    text collate "C" not null,
      drift_id      text collate "C" not null,
      kind          text not null,
      cents         bigint not null,
      details       jsonb not null,
      first_seen_at timestamptz not null,
      last_seen_at  timestamptz not null,
      resolved_at   timestamptz,
      resolution    text,
      primary key (account_id, drift_id)
    )`.execute(db);
  await sql`comment on table drift is
    'where we and Stripe differ, for an operator to look at; account_id is empty when no account is known'`.execute(
    db,
  );
  await sql`comment on column drift.resolution is
    'what a person says about it; null when it went away by itself'`.execute(db);
  await sql`create index drift_unresolved on drift (first_seen_at) where resolved_at is null`.execute(
    db,
  );
}
