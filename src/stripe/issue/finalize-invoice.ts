import { applyInvoice } from './apply-invoice.ts';
import { stripeIdOf } from './fill-invoice.ts';
import {
  lockInvoice,
  nameOf,
  parkInvoice,
  updateInvoice,
  type InvoiceRow,
} from './invoice-store.ts';
import type { Lease } from '../lease.ts';
import { invoiceObject, type StripeInvoice } from '../objects.ts';
import type { Look, Outcome, StripeContext } from '../operation.ts';
import { runOperation } from '../run-operation.ts';
import { readObject } from '../read.ts';

/**
 * Turns the verified draft into an invoice that counts. Without collecting: were Stripe to collect by
 * itself (auto_advance), it could take the money a second time beside our own attempts.
 */
export async function finalizeInvoice(
  context: StripeContext,
  lease: Lease,
  invoice: InvoiceRow,
): Promise<Outcome<StripeInvoice>> {
  const { gateway, clock } = context;
  const path = `/v1/invoices/${stripeIdOf(invoice)}`;
  return await runOperation<StripeInvoice>(context, lease, {
    accountId: invoice.account_id,
    subject: invoice.invoice_id,
    step: 'finalize',
    plan: async (tx) => {
      await updateInvoice(tx, nameOf(invoice))
        .set({ state: 'finalizing' })
        .where('state', '=', 'verified')
        .execute();
      return { method: 'POST', path: `${path}/finalize`, params: { auto_advance: false } };
    },
    parse: (body) => invoiceObject.safeParse(body).data,
    look: async (): Promise<Look<StripeInvoice>> => {
      const seen = await readObject(gateway, invoiceObject, path);
      return seen === undefined || seen.deleted || seen.status === 'draft'
        ? 'absent'
        : { found: seen };
    },
    isDoubtful: ({ status }) => status === 400,
    save: async (tx, seen) => {
      const row = await lockInvoice(tx, nameOf(invoice));
      if (row === undefined) return;
      if (seen.status === 'draft') {
        return await parkInvoice(tx, nameOf(row), 'still a draft after it was finalized');
      }
      await applyInvoice(tx, clock(), row, seen, true);
    },
    refuse: async (tx, refusal) =>
      await parkInvoice(tx, nameOf(invoice), `finalizing refused: ${refusal.message}`),
  });
}
