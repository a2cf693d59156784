import { stripeIdOf } from './fill-invoice.ts';
import type { InvoiceRow } from './invoice-store.ts';
import { invoiceObject, type StripeInvoice } from '../objects.ts';
import type { Look, StripeContext } from '../operation.ts';
import { readObject } from '../read.ts';
import { refusalOf } from '../refusal.ts';

const WITH_CHARGES = { expand: ['payments.data.payment.payment_intent.latest_charge'] };
/** How long a payment that Stripe is still processing is left alone. */
const PROCESSING_MS = 3_600_000;

/**
 * Finds out what became of a payment attempt whose answer never came: paid (by it or by anybody), still
 * in progress, declined, or never begun. A declined charge counts as this attempt's when it was tried with
 * its card and no earlier attempt has it.
 */
export async function lookForPayment(
  { db, gateway }: StripeContext,
  invoice: InvoiceRow,
  card: string,
): Promise<Look<StripeInvoice>> {
  const path = `/v1/invoices/${stripeIdOf(invoice)}`;
  const seen = await readObject(gateway, invoiceObject, path, WITH_CHARGES);
  if (seen === undefined) return { refused: refusalOf('gone', 'Stripe has no such invoice') };
  if (seen.status === 'paid') return { found: seen };
  if (seen.status !== 'open') {
    return { refused: refusalOf('not_open', `the invoice is ${seen.status} at Stripe`) };
  }
  const intent = latestIntent(seen);
  if (intent?.status === 'processing') {
    return { waitMs: PROCESSING_MS, reason: 'Stripe is processing the payment' };
  }
  const charge = typeof intent?.latest_charge === 'object' ? intent.latest_charge : null;
  if (intent === undefined || charge?.status !== 'failed') return 'absent';
  if (charge.payment_method !== null && charge.payment_method !== card) return 'absent';
  const earlier = await db
    .selectFrom('payment_attempt')
    .select('attempt')
    .where('account_id', '=', invoice.account_id)
    .where('invoice_id', '=', invoice.invoice_id)
    .where('charge_id', '=', charge.id)
    .executeTakeFirst();
  if (earlier !== undefined) return 'absent';
  return {
    refused: {
      ...refusalOf(
        charge.failure_code ?? 'card_declined',
        charge.failure_message ?? 'declined',
        402,
      ),
      type: 'card_error',
      declineCode: charge.outcome?.reason ?? null,
      chargeId: charge.id,
      paymentIntentId: intent.id,
    },
  };
}

function latestIntent(seen: StripeInvoice) {
  const intents = (seen.payments?.data ?? []).map(({ payment }) => payment?.payment_intent);
  return intents.filter((intent) => typeof intent === 'object' && intent !== null).at(0);
}
