import { sql } from 'kysely';
import type { Db } from '../../database/pool.ts';
import type { Second } from '../../values/instant.ts';
import type { Cents } from '../../values/money.ts';

/** Money, work and trouble since an instant, and what stands open now. */
export type Day = {
  readonly closedPeriods: bigint;
  readonly madeInvoices: bigint;
  readonly madeCents: Cents;
  readonly payments: bigint;
  readonly paidCents: Cents;
  readonly declined: bigint;
  readonly openInvoices: bigint;
  readonly openCents: Cents;
  readonly onTheirWay: bigint;
  readonly needsOperator: bigint;
  readonly parked: bigint;
  readonly quarantined: bigint;
  readonly accounts: bigint;
};

export async function readDay(db: Db, since: Date): Promise<Day> {
  const { rows } = await sql<Day>`
    select
      (select count(*) from billing_period where closed_at >= ${since}) as "closedPeriods",
      made.count as "madeInvoices", made.cents as "madeCents",
      paid.count as payments, paid.cents as "paidCents",
      (select count(*) from payment_attempt where ended_at >= ${since} and state = 'failed')
        as declined,
      open.count as "openInvoices", open.cents as "openCents",
      (select count(*) from invoice
        where state in ('frozen', 'drafted', 'filled', 'verified', 'finalizing')) as "onTheirWay",
      (select count(*) from invoice where state = 'needs_operator') as "needsOperator",
      (select count(*) from parked_event) as parked,
      (select count(*) from quarantined_event) as quarantined,
      (select greatest(reltuples, 0)::bigint from pg_class where oid = 'account'::regclass)
        as accounts
    from
      (select count(*), coalesce(sum(total_cents), 0)::bigint as cents from invoice
        where created_at >= ${since}) made,
      (select count(*), coalesce(sum(total_cents), 0)::bigint as cents
        from payment_attempt join invoice using (account_id, invoice_id)
        where ended_at >= ${since} and payment_attempt.state = 'paid') paid,
      (select count(*), coalesce(sum(total_cents), 0)::bigint as cents from invoice
        where state in ('open', 'uncollectible')) open`.execute(db);
  return rows[0]!;
}

export type PastDue = {
  readonly accountId: string;
  readonly email: string;
  readonly since: Date;
  readonly invoices: bigint;
  readonly cents: Cents;
  /** What the processor said last. */
  readonly reason: string | null;
};

/** Accounts that owe what could not be collected, the longest first. */
export async function listPastDue(db: Db, limit: number): Promise<readonly PastDue[]> {
  const { rows } = await sql<PastDue>`
    select standing.account_id as "accountId", account.email, standing.past_due_since as since,
      owed.count as invoices, owed.cents, failed.reason
    from account_standing standing
    join account using (account_id)
    cross join lateral (
      select count(*), coalesce(sum(total_cents), 0)::bigint as cents from invoice
      where account_id = standing.account_id and state in ('open', 'uncollectible')
    ) owed
    left join lateral (
      select coalesce(message, decline_code, error_code) as reason from payment_attempt
      where account_id = standing.account_id and state = 'failed'
      order by ended_at desc limit 1
    ) failed on true
    where standing.past_due_since is not null
    order by standing.past_due_since limit ${limit}`.execute(db);
  return rows;
}

export type DriftReport = {
  readonly accountId: string;
  readonly kind: string;
  readonly cents: Cents;
  readonly details: Readonly<Record<string, unknown>>;
  readonly firstSeenAt: Date;
};

/** Where we and Stripe differ and nobody has resolved it, the oldest first. */
export async function listDrift(db: Db, limit: number): Promise<readonly DriftReport[]> {
  const { rows } = await sql<DriftReport>`
    select account_id as "accountId", kind, cents, details, first_seen_at as "firstSeenAt"
    from drift where resolved_at is null order by first_seen_at limit ${limit}`.execute(db);
  return rows;
}

export type SignalRow = {
  readonly accountId: string;
  readonly kind: string;
  readonly createdAt: Date;
};

/** What the platform was told, the latest first. Details may hold tokens for its mailer: not for eyes. */
export async function listSignals(db: Db, limit: number): Promise<readonly SignalRow[]> {
  const { rows } = await sql<SignalRow>`
    select account_id as "accountId", kind, created_at as "createdAt"
    from signal order by created_at desc limit ${limit}`.execute(db);
  return rows;
}

export type StripeRate = {
  readonly bucket: string;
  readonly halvings: number;
  readonly shutUntil: Date | null;
};

/** How fast Stripe is called now: each halving is a refusal of theirs that we heeded. */
export async function listStripeRates(db: Db): Promise<readonly StripeRate[]> {
  const { rows } = await sql<StripeRate>`
    select bucket, halvings, shut_until as "shutUntil" from stripe_rate order by bucket`.execute(
    db,
  );
  return rows;
}

export type Overdue = { readonly periods: bigint; readonly oldest: Second | null };

/** Periods that have ended and are not closed. */
export async function readOverdue(db: Db, at: Second): Promise<Overdue> {
  const { rows } = await sql<Overdue>`
    select count(*) as periods, min(next_close_at) as oldest from account
    where next_close_at <= ${at}`.execute(db);
  return rows[0]!;
}
