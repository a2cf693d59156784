import { recordDrift } from '../drift.ts';
import type { InvoiceRow } from './invoice-store.ts';
import { invoiceObject, type StripeInvoice } from '../objects.ts';
import type { Look, StripeContext } from '../operation.ts';
import { readList } from '../read.ts';

/** From what must not be made twice to what may be thrown away. */
const MOST_ADVANCED_FIRST = ['paid', 'open', 'uncollectible', 'void', 'draft'];

/**
 * Finds what Stripe has of one of our invoices, by its metadata in the customer's list. Stripe's search
 * is not used: it lags, so it can prove presence but never absence. Nor is the list cut by our clock:
 * an account has a dozen invoices a year, and a clock may be wrong.
 */
export async function findDraft(
  { db, gateway, clock }: StripeContext,
  invoice: InvoiceRow,
  customerId: string,
): Promise<Look<StripeInvoice>> {
  const found: StripeInvoice[] = [];
  const ofCustomer = { customer: customerId };
  for await (const seen of readList(gateway, invoiceObject, '/v1/invoices', ofCustomer)) {
    if (seen.metadata['gm_bill'] === invoice.invoice_id && !seen.deleted) found.push(seen);
  }
  // Listed newest first: of equals, the oldest is the one that other processes found, too.
  const ranked = found.toReversed().toSorted((a, b) => rank(a) - rank(b));
  const best = ranked[0];
  if (best === undefined) return 'absent';
  const doubles = ranked.slice(1).filter(({ status }) => status !== 'draft' && status !== 'void');
  if (doubles.length === 0) return { found: best };
  await recordDrift(
    db,
    clock(),
    doubles.map((seen) => doubleOf(invoice, seen)),
  );
  return { waitMs: 3_600_000, reason: `${doubles.length + 1} invoices at Stripe carry its id` };
}

function rank(seen: StripeInvoice): number {
  const place = MOST_ADVANCED_FIRST.indexOf(seen.status ?? '');
  return place === -1 ? MOST_ADVANCED_FIRST.length : place;
}

export function doubleOf(invoice: InvoiceRow, seen: StripeInvoice) {
  return {
    accountId: invoice.account_id,
    driftId: `invoice_double:${seen.id}`,
    kind: 'invoice_double',
    cents: BigInt(seen.total ?? 0),
    details: { invoice: invoice.invoice_id, stripe_invoice: seen.id, status: seen.status },
  };
}
