import { sql } from 'kysely';
import type { Db } from '../../../database/pool.ts';
import {
  heldBackAt,
  toHeldBack,
  type HeldBack,
  type HeldBackJson,
} from '../../../stripe/rate-store.ts';
import { toDate, toSecond, type Second } from '../../../values/instant.ts';
import type { Cents } from '../../../values/money.ts';

/** Money, work and trouble since an instant, and what stands open now. */
export type Day = {
  readonly closedPeriods: bigint;
  readonly madeInvoices: bigint;
  readonly madeCents: Cents;
  readonly payments: bigint;
  readonly paidCents: Cents;
  readonly declined: bigint;
  readonly owedInvoices: bigint;
  readonly owedCents: Cents;
  readonly onTheirWay: bigint;
  readonly needsOperator: bigint;
  /** The oldest of them. */
  readonly stuck: readonly StuckInvoice[];
  /** Counted up to `MOST_COUNTED`, as the next two. */
  readonly recordedLately: bigint;
  readonly parked: bigint;
  readonly quarantined: bigint;
  readonly oldestParkedAt: Date | null;
  readonly latestRefusedAt: Date | null;
  /** Periods that have ended and are not closed, the oldest since when. */
  readonly overdue: bigint;
  readonly overdueSince: Second | null;
  readonly drift: bigint;
  /** The silent ones first. */
  readonly sources: readonly SourceRow[];
  readonly heldBack: readonly HeldBack[];
};

/** An invoice that cannot go on without a person. */
export type StuckInvoice = {
  readonly accountId: string;
  readonly invoiceId: string;
  readonly reason: string | null;
};

export type SourceRow = {
  readonly source: string;
  readonly lastHeardAt: Date | undefined;
  readonly expectedEverySeconds: number | undefined;
  readonly policy: string;
  /** Since when it should have been heard; undefined while it is not silent. */
  readonly silentSince: Date | undefined;
};

/** Beyond this it does not matter how many there are, and counting takes time. */
export const MOST_COUNTED = 100_000n;
/** For which events are counted that were recorded lately. */
export const LATELY_MS = 3_600_000;
const MOST_SOURCES = 20;
const MOST_STUCK = 10;

/** All of it in one row, each part by an index. Not prepared: for any instant at all they would not be worth it. */
export async function readDay(db: Db, since: Date, now: Date): Promise<Day> {
  const lately = new Date(now.getTime() - LATELY_MS);
  const atMost = sql`limit ${MOST_COUNTED}`;
  const { rows } = await sql<DayRow>`
    select
      (select count(*) from billing_period where closed_at >= ${since}) as "closedPeriods",
      made.count as "madeInvoices", made.cents as "madeCents",
      paid.count as payments, paid.cents as "paidCents",
      (select count(*) from payment_attempt where ended_at >= ${since} and state = 'failed')
        as declined,
      owed.count as "owedInvoices", owed.cents as "owedCents",
      (select count(*) from invoice
        where state in ('frozen', 'drafted', 'filled', 'verified', 'finalizing')) as "onTheirWay",
      (select count(*) from invoice where state = 'needs_operator') as "needsOperator",
      array(select json_build_object('accountId', account_id, 'invoiceId', invoice_id,
          'reason', left(state_reason, 300))
        from invoice where state = 'needs_operator' order by created_at limit ${MOST_STUCK}) as stuck,
      (select count(*) from (select from event where recorded_at > ${lately} ${atMost}) e)
        as "recordedLately",
      (select count(*) from (select from parked_event ${atMost}) e) as parked,
      (select count(*) from (select from quarantined_event ${atMost}) e) as quarantined,
      (select min(parked_at) from parked_event) as "oldestParkedAt",
      (select max(last_seen_at) from quarantined_event) as "latestRefusedAt",
      overdue.count as overdue, overdue.since as "overdueSince",
      (select count(*) from drift where resolved_at is null) as drift,
      array(select json_build_object('source', source, 'lastHeardAt', last_heard_at,
          'every', expected_every_seconds, 'policy', policy,
          'silentSince', case when heard_again_at is null then silent_since::text end)
        from source order by (heard_again_at is null and silent_since is not null) desc, source
        limit ${MOST_SOURCES}) as sources,
      ${heldBackAt(now)} as "heldBack"
    from
      (select count(*), coalesce(sum(total_cents), 0)::bigint as cents from invoice
        where created_at >= ${since}) made,
      (select count(*), coalesce(sum(total_cents), 0)::bigint as cents
        from payment_attempt join invoice using (account_id, invoice_id)
        where ended_at >= ${since} and payment_attempt.state = 'paid') paid,
      (select count(*), coalesce(sum(total_cents), 0)::bigint as cents from invoice
        where state in ('open', 'uncollectible')) owed,
      (select count(*), min(next_close_at) as since from account
        where next_close_at <= ${toSecond(now)}) overdue`.execute(db);
  const { sources, heldBack, ...day } = rows[0]!;
  return {
    ...day,
    heldBack: toHeldBack(heldBack),
    sources: sources.map(({ source, policy, lastHeardAt, every, silentSince }) => ({
      source,
      policy,
      lastHeardAt: lastHeardAt === null ? undefined : new Date(lastHeardAt),
      expectedEverySeconds: every ?? undefined,
      silentSince: silentSince === null ? undefined : toDate(BigInt(silentSince)),
    })),
  };
}

type DayRow = Omit<Day, 'sources' | 'heldBack'> & {
  readonly heldBack: readonly HeldBackJson[];
  readonly sources: readonly {
    readonly source: string;
    readonly lastHeardAt: string | null;
    readonly every: number | null;
    readonly policy: string;
    readonly silentSince: string | null;
  }[];
};

export type Unpaid = {
  readonly accountId: string;
  /** Null: nothing was refused yet. */
  readonly pastDueSince: Date | null;
  readonly oldestAt: Date;
  readonly invoices: bigint;
  readonly cents: Cents;
  /** What the processor said last. */
  readonly reason: string | null;
};

/** Accounts with invoices that are open or were given up: those past due first, the longest of them first. */
export async function listUnpaid(db: Db, limit: number): Promise<readonly Unpaid[]> {
  const { rows } = await sql<Unpaid>`/* prepare list_unpaid */
    with owing as (
      select account_id, count(*) as invoices, sum(total_cents)::bigint as cents,
        min(created_at) as oldest_at, min(past_due_since) as past_due_since
      from invoice left join account_standing using (account_id)
      where state in ('open', 'uncollectible')
      group by account_id
      order by min(past_due_since) nulls last, min(created_at), account_id limit ${limit}
    ),
    failed as (
      select distinct on (account_id) account_id, coalesce(message, decline_code, error_code) as reason
      from owing join invoice using (account_id)
      join payment_attempt attempt using (account_id, invoice_id)
      where invoice.state in ('open', 'uncollectible') and attempt.state = 'failed'
      order by account_id, attempt.ended_at desc
    )
    select account_id as "accountId", past_due_since as "pastDueSince", oldest_at as "oldestAt",
      invoices, cents, reason
    from owing left join failed using (account_id)
    order by past_due_since nulls last, oldest_at, account_id`.execute(db);
  return rows;
}

export type DriftReport = {
  readonly accountId: string;
  readonly driftId: string;
  readonly kind: string;
  readonly cents: Cents;
  readonly details: Readonly<Record<string, unknown>>;
  readonly firstSeenAt: Date;
};

/** Where we and Stripe differ and nobody has resolved it, the oldest first. */
export async function listDrift(db: Db, limit: number): Promise<readonly DriftReport[]> {
  const { rows } = await sql<DriftReport>`/* prepare list_drift */
    select account_id as "accountId", drift_id as "driftId", kind, cents, details, first_seen_at as "firstSeenAt"
    from drift where resolved_at is null order by first_seen_at limit ${limit}`.execute(db);
  return rows;
}

export type SignalRow = {
  readonly accountId: string;
  /** Of a signal about no account. */
  readonly source: string | null;
  readonly kind: string;
  readonly createdAt: Date;
};

/** What the platform was told, the latest first. Other details may hold tokens for its mailer: not for eyes. */
export async function listSignals(db: Db, limit: number): Promise<readonly SignalRow[]> {
  const { rows } = await sql<SignalRow>`/* prepare list_signals */
    select account_id as "accountId", case when kind like 'source.%' then details ->> 'source' end as source,
      kind, created_at as "createdAt"
    from signal order by created_at desc limit ${limit}`.execute(db);
  return rows;
}
