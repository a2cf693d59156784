import type { Db } from '../../database/pool.ts';
import { addEntries } from '../../ledger/store.ts';
import { recordDrift } from '../drift.ts';
import { nameOf, parkInvoice, updateInvoice, type InvoiceRow } from './invoice-store.ts';
import type { StripeInvoice } from '../objects.ts';

/**
 * Brings our invoice up to what Stripe shows, only ever forward: paid and void never leave. Whoever
 * calls holds the row. `isOrdered`: our own call led to it; else a change that we did not expect is
 * reported as drift, besides being taken over when money moved.
 */
export async function applyInvoice(
  tx: Db,
  now: Date,
  row: InvoiceRow,
  seen: StripeInvoice,
  isOrdered: boolean,
): Promise<void> {
  if (row.state === 'paid' || row.state === 'void' || row.state === 'settled') return;
  switch (seen.status) {
    case 'paid':
      return await applyPaid(tx, now, row, seen);
    case 'open':
      return await applyOpen(tx, now, row, seen, isOrdered);
    case 'void':
    case 'uncollectible':
      await updateInvoice(tx, nameOf(row))
        .set({ state: seen.status, next_attempt_at: null })
        .execute();
      if (!isOrdered) await report(tx, now, row, `invoice_${seen.status}`, seen);
      return;
    default:
      return;
  }
}

/** The money came: booked once per invoice, whatever told us first. */
async function applyPaid(tx: Db, now: Date, row: InvoiceRow, seen: StripeInvoice): Promise<void> {
  const paidCents = seen.amount_paid === undefined ? row.total_cents : BigInt(seen.amount_paid);
  await updateInvoice(tx, nameOf(row))
    .set({
      state: 'paid',
      state_reason: null,
      paid_at: now,
      next_attempt_at: null,
      finalized_at: row.finalized_at ?? now,
      ...shown(row, seen),
    })
    .execute();
  await tx
    .updateTable('payment_attempt')
    .set({ state: 'paid', ended_at: now })
    .where('account_id', '=', row.account_id)
    .where('invoice_id', '=', row.invoice_id)
    .where('state', '=', 'planned')
    .execute();
  if (paidCents !== 0n) {
    await addEntries(tx, now, [
      {
        accountId: row.account_id,
        entryId: `payment:${row.invoice_id}`,
        book: 'cash',
        kind: 'payment',
        amountCents: paidCents,
        invoiceId: row.invoice_id,
        actor: 'stripe',
      },
    ]);
  }
  if (paidCents !== row.total_cents) await report(tx, now, row, 'amount_paid', seen);
}

async function applyOpen(
  tx: Db,
  now: Date,
  row: InvoiceRow,
  seen: StripeInvoice,
  isOrdered: boolean,
): Promise<void> {
  if (row.state === 'open' || row.state === 'uncollectible' || row.state === 'needs_operator') {
    return;
  }
  if (seen.total !== undefined && BigInt(seen.total) !== row.total_cents) {
    await parkInvoice(tx, nameOf(row), `finalized at ${seen.total} cents by Stripe`);
    return await report(tx, now, row, 'invoice_total', seen);
  }
  if (!isOrdered && row.state !== 'finalizing') {
    // Somebody finalized it: whether its content is ours is for the verifying step to say.
    return await report(tx, now, row, 'invoice_finalized', seen);
  }
  await updateInvoice(tx, nameOf(row))
    .set({
      state: 'open',
      state_reason: null,
      finalized_at: now,
      next_attempt_at: now,
      ...shown(row, seen),
    })
    .execute();
}

function shown(row: InvoiceRow, seen: StripeInvoice) {
  return {
    stripe_number: seen.number ?? row.stripe_number,
    hosted_url: seen.hosted_invoice_url ?? row.hosted_url,
    pdf_url: seen.invoice_pdf ?? row.pdf_url,
  };
}

async function report(
  tx: Db,
  now: Date,
  row: InvoiceRow,
  kind: string,
  seen: StripeInvoice,
): Promise<void> {
  const theirs = seen.status === 'paid' ? seen.amount_paid : seen.total;
  const isGone = seen.status === 'void' || seen.status === 'uncollectible';
  await recordDrift(tx, now, [
    {
      accountId: row.account_id,
      driftId: `${kind}:${row.invoice_id}`,
      kind,
      cents: (isGone ? 0n : BigInt(theirs ?? 0)) - row.total_cents,
      details: { invoice: row.invoice_id, stripe_invoice: seen.id, status: seen.status },
    },
  ]);
}
