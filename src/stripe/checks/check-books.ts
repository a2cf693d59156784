import { sql } from 'kysely';
import { recordDrift, type Drift } from '../drift.ts';
import type { StripeContext } from '../operation.ts';

/** Nothing at Stripe takes this long when all is well. */
const STUCK_AFTER_MS = 24 * 3_600_000;

type Found = {
  readonly account_id: string;
  readonly id: string;
  readonly kind: string;
  readonly cents: bigint;
  readonly reason: string | null;
};

/** Compares our own books with each other: lines, invoices, ledger, and what does not advance. */
export async function checkBooks(
  { db, clock }: StripeContext,
  accountId: string | undefined,
): Promise<void> {
  const now = clock();
  const stuckBefore = new Date(now.getTime() - STUCK_AFTER_MS);
  const { rows } = await sql<Found>`
    with chosen as (
      select * from invoice where ${accountId ?? null}::text is null or account_id = ${accountId ?? null}
    )
    select account_id, invoice_id as id, 'invoice_lines' as kind,
      (coalesce((select sum(l.amount_cents) from invoice_line l where l.account_id = i.account_id
        and l.invoice_id = i.invoice_id), 0) - total_cents)::bigint as cents, null as reason
    from chosen i
    where total_cents <> coalesce((select sum(l.amount_cents) from invoice_line l
      where l.account_id = i.account_id and l.invoice_id = i.invoice_id), 0)
    union all
    select i.account_id, i.invoice_id, 'ledger_total',
      (coalesce(p.amount_cents, 0) - i.total_cents)::bigint, null
    from chosen i left join ledger_entry p
      on p.account_id = i.account_id and p.entry_id = 'payment:' || i.invoice_id
    where i.state = 'paid' and i.total_cents <> coalesce(p.amount_cents, 0)
    union all
    select account_id, refund_id, 'ledger_refund', booked.cents + amount_cents, null
    from (
      select r.account_id, r.refund_id,
        case when r.state in ('done', 'pending') then r.amount_cents else 0 end as amount_cents,
        coalesce((select sum(l.amount_cents) from ledger_entry l where l.account_id = r.account_id
          and l.entry_id in ('refund:' || r.refund_id, 'refund_failed:' || r.refund_id)), 0)::bigint as cents
      from refund r
      where ${accountId ?? null}::text is null or r.account_id = ${accountId ?? null}
    ) booked
    where booked.cents <> -amount_cents
    union all
    select account_id, invoice_id, 'needs_operator', 0, state_reason from chosen where state = 'needs_operator'
    union all
    select account_id, invoice_id, 'invoice_stuck', 0, state_reason from chosen
    where state in ('frozen', 'drafted', 'filled', 'verified', 'finalizing')
      and created_at < ${stuckBefore}
    union all
    select account_id, refund_id, 'refund_stuck', -amount_cents, state_reason from refund
    where state = 'planned' and created_at < ${stuckBefore}
      and (${accountId ?? null}::text is null or account_id = ${accountId ?? null})`.execute(db);
  const found: Drift[] = rows.map((row) => ({
    accountId: row.account_id,
    driftId: `${row.kind}:${row.id}`,
    kind: row.kind,
    cents: row.cents,
    details: { subject: row.id, ...(row.reason === null ? {} : { reason: row.reason }) },
  }));
  await recordDrift(db, now, found);
}
