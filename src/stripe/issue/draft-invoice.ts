import { unconfirmedOnInvoice } from '../../invoicing/unconfirmed-store.ts';
import { notConfirmedText } from '../../sources/silence/not-confirmed.ts';
import type { Unconfirmed } from '../../sources/silence/unconfirmed.ts';
import { formatSecond } from '../../values/instant.ts';
import { assert } from '../../values/fault.ts';
import type { Db } from '../../database/pool.ts';
import { invoiceMetadata } from './content.ts';
import { findCustomer } from '../customer.ts';
import { recordDrift } from '../drift.ts';
import { findDraft } from './find-draft.ts';
import type { Gateway } from '../gateway.ts';
import {
  lockInvoice,
  nameOf,
  parkInvoice,
  updateInvoice,
  type InvoiceName,
  type InvoiceRow,
} from './invoice-store.ts';
import type { Lease } from '../lease.ts';
import { invoiceObject, type StripeInvoice } from '../objects.ts';
import type { Outcome, StripeContext } from '../operation.ts';
import { runOperation } from '../run-operation.ts';

/**
 * An invoice issued this late may have been issued before by a database since restored from a backup,
 * longer ago than Stripe remembers keys: it is looked for before it is made.
 */
const LATE_AFTER_SECONDS = 23n * 3600n;

/** Makes the empty draft at Stripe. A draft by itself never collects (auto_advance is off). */
export async function makeDraft(
  context: StripeContext,
  lease: Lease,
  invoice: InvoiceRow,
): Promise<Outcome<StripeInvoice>> {
  const { clock } = context;
  const customer = await findCustomer(context.db, lease.accountId);
  const customerId = customer?.stripe_customer_id ?? null;
  assert(customerId !== null, `account ${lease.accountId} has a Stripe customer`);
  const now = clock();
  const outcome = await runOperation<StripeInvoice>(context, lease, {
    ...subjectOf(invoice),
    step: 'draft',
    isLookedUpFirst:
      BigInt(Math.floor(now.getTime() / 1000)) - invoice.period_end >= LATE_AFTER_SECONDS,
    plan: async (tx) => ({
      method: 'POST',
      path: '/v1/invoices',
      params: {
        ...draftParams(invoice, customerId),
        ...footer(await unconfirmedOnInvoice(tx, invoice.account_id, invoice.invoice_id)),
      },
    }),
    parse: (body) => invoiceObject.safeParse(body).data,
    look: async () => await findDraft(context, invoice, customerId),
    save: async (tx, seen) => await adoptInvoice(tx, clock(), nameOf(invoice), seen),
    refuse: async (tx, refusal) =>
      await parkInvoice(tx, nameOf(invoice), `draft refused: ${refusal.message}`),
  });
  if (outcome.outcome === 'done') await removeIfStray(context, invoice, outcome.result);
  return outcome;
}

/**
 * Ties a Stripe invoice to ours, once: the first one that gets here is the only one that can ever be
 * finalized (I2). One that is no draft any more goes on with the verifying step.
 */
export async function adoptInvoice(
  tx: Db,
  now: Date,
  name: InvoiceName,
  seen: StripeInvoice,
): Promise<void> {
  const row = await lockInvoice(tx, name);
  if (row === undefined || row.state !== 'frozen' || row.stripe_invoice_id !== null) return;
  await updateInvoice(tx, name)
    .set({
      stripe_invoice_id: seen.id,
      state: seen.status === 'draft' ? 'drafted' : 'filled',
      next_attempt_at: null,
    })
    .execute();
  if (seen.status === 'draft') return;
  await recordDrift(tx, now, [
    {
      accountId: name.accountId,
      driftId: `invoice_found:${name.invoiceId}`,
      kind: 'invoice_found',
      cents: 0n,
      details: { invoice: name.invoiceId, stripe_invoice: seen.id, status: seen.status },
    },
  ]);
}

function draftParams(invoice: InvoiceRow, customerId: string) {
  const days = [invoice.period_start, invoice.period_end].map((at) =>
    formatSecond(at).slice(0, 10),
  );
  return {
    customer: customerId,
    currency: invoice.currency,
    collection_method: 'charge_automatically',
    auto_advance: false,
    pending_invoice_items_behavior: 'exclude',
    // Empty: a discount somebody gave the customer would make Stripe's total another than ours.
    discounts: '',
    description: `Usage from ${days[0]} to ${days[1]} (UTC)`,
    metadata: invoiceMetadata(invoice),
  };
}

/** Stripe takes 5000 characters, and prints them below the lines. */
const MAX_FOOTER = 4800;

/** What nobody confirmed of the period is said on paper, too. */
function footer(times: readonly Unconfirmed[]) {
  if (times.length === 0) return {};
  const sentences = times.map((time) => notConfirmedText(time, 'the invoice was made'));
  return { footer: sentences.join(' ').slice(0, MAX_FOOTER) };
}

/** A second draft of the same invoice, made because the first one could not be found in time. */
async function removeIfStray(
  { db, gateway }: StripeContext,
  invoice: InvoiceRow,
  made: StripeInvoice,
): Promise<void> {
  const row = await db
    .selectFrom('invoice')
    .select('stripe_invoice_id')
    .where('account_id', '=', invoice.account_id)
    .where('invoice_id', '=', invoice.invoice_id)
    .executeTakeFirstOrThrow();
  if (row.stripe_invoice_id !== made.id) await deleteDraft(gateway, made.id);
}

/** Stripe deletes drafts only, so this cannot remove an invoice that counts. What fails is swept later. */
export async function deleteDraft(gateway: Gateway, stripeInvoiceId: string): Promise<void> {
  await gateway.send({ method: 'DELETE', path: `/v1/invoices/${stripeInvoiceId}`, params: {} });
}

function subjectOf(invoice: InvoiceRow) {
  return { accountId: invoice.account_id, subject: invoice.invoice_id };
}
