import { expect } from 'vitest';
import { readLines } from '../../../src/stripe/issue/fill-invoice.ts';
import {
  findInvoice,
  findLines,
  type InvoiceName,
} from '../../../src/stripe/issue/invoice-store.ts';
import type { JsonObject } from '../../../src/stripe/local/json.ts';
import type { World } from './world.ts';

/** Stripe's invoices that carry our id and count: no drafts, none voided. */
export function countedInvoices({ stripe }: World, { invoiceId }: InvoiceName): JsonObject[] {
  return (stripe.state()['invoice'] ?? []).filter(
    (invoice) =>
      gmBill(invoice) === invoiceId &&
      invoice['status'] !== 'draft' &&
      invoice['status'] !== 'void',
  );
}

/** Our id of a Stripe invoice; empty when it carries none. */
export function gmBill({ metadata }: JsonObject): string {
  const id = isRecord(metadata) ? metadata['gm_bill'] : undefined;
  return typeof id === 'string' ? id : '';
}

/** Charges that took money for a Stripe invoice. */
export function takenCharges({ stripe }: World, stripeInvoiceId: unknown): JsonObject[] {
  const state = stripe.state();
  const intents = (state['invoice_payment'] ?? [])
    .filter(({ invoice }) => invoice === stripeInvoiceId)
    .map(({ payment }) => (isRecord(payment) ? payment['payment_intent'] : null));
  return (state['charge'] ?? []).filter(
    (charge) =>
      intents.includes(charge['payment_intent'] ?? null) && charge['status'] === 'succeeded',
  );
}

/** One invoice on both sides, the same to the cent and line, charged once, booked once. */
export async function expectPaidOnce(world: World, name: InvoiceName): Promise<void> {
  const row = await findInvoice(world.db, name);
  expect(row, name.invoiceId).toMatchObject({ state: 'paid' });
  const counted = countedInvoices(world, name);
  expect(counted.map(({ id }) => id)).toEqual([row?.stripe_invoice_id]);
  const total = Number(row?.total_cents);
  expect(counted[0]).toMatchObject({ status: 'paid', total, amount_paid: total });
  const charges = takenCharges(world, row?.stripe_invoice_id);
  expect(charges.map(({ amount }) => amount)).toEqual([total]);
  const lines = await findLines(world.db, name);
  expect(await stripeLines(world, row?.stripe_invoice_id ?? '')).toEqual(
    lines.map((line) => [String(line.line_number), Number(line.amount_cents)]),
  );
  const entries = await world.db
    .selectFrom('ledger_entry')
    .select('amount_cents')
    .where('account_id', '=', name.accountId)
    .where('invoice_id', '=', name.invoiceId)
    .where('kind', '=', 'payment')
    .execute();
  expect(entries).toEqual([{ amount_cents: row?.total_cents }]);
}

async function stripeLines(
  { gateway }: World,
  stripeInvoiceId: string,
): Promise<[string, number][]> {
  const lines = await readLines(gateway, stripeInvoiceId);
  return lines
    .map(({ amount, metadata }): [string, number] => [metadata['gm_line'] ?? '', amount])
    .toSorted(([a], [b]) => Number(a) - Number(b));
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
