import type { Drift } from '../drift.ts';
import type { InvoiceRow } from '../issue/invoice-store.ts';
import type { StripeInvoice } from '../objects.ts';

/** What Stripe may show of an invoice in each of our states; any when it waits for an operator. */
const STATUSES: Readonly<Record<string, readonly string[]>> = {
  frozen: [],
  drafted: ['draft'],
  filled: ['draft'],
  verified: ['draft'],
  finalizing: ['draft', 'open', 'paid'],
  open: ['open'],
  paid: ['paid'],
  void: ['void'],
  uncollectible: ['uncollectible'],
};

/** States in which the content at Stripe is complete, so that its total must be ours. */
const COUNTED: ReadonlySet<string> = new Set(['open', 'paid', 'uncollectible', 'needs_operator']);

/**
 * Where an invoice and its counterpart at Stripe differ, in cents, theirs less ours. `bookedCents`: what
 * our ledger has as its payment.
 */
export function compareInvoice(
  row: InvoiceRow,
  bookedCents: bigint,
  seen: StripeInvoice,
): readonly Drift[] {
  const drift = (kind: string, cents: bigint): Drift => ({
    accountId: row.account_id,
    driftId: `${kind}:${row.invoice_id}`,
    kind,
    cents,
    details: {
      invoice: row.invoice_id,
      stripe_invoice: seen.id,
      ours: row.state,
      theirs: seen.status,
    },
  });
  const found: Drift[] = [];
  const allowed = STATUSES[row.state];
  if (allowed !== undefined && seen.status !== null && !allowed.includes(seen.status)) {
    found.push(drift('invoice_status', 0n));
  }
  const totalCents = seen.total === undefined ? row.total_cents : BigInt(seen.total);
  if (COUNTED.has(row.state) && seen.status !== 'draft' && totalCents !== row.total_cents) {
    found.push(drift('invoice_total', totalCents - row.total_cents));
  }
  const paidCents = seen.amount_paid === undefined ? bookedCents : BigInt(seen.amount_paid);
  if (paidCents !== bookedCents) found.push(drift('ledger_payment', paidCents - bookedCents));
  return found;
}
