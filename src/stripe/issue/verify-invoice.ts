import { applyInvoice } from './apply-invoice.ts';
import { contentFault, sentLines } from './content.ts';
import { readLines, stripeIdOf } from './fill-invoice.ts';
import {
  findLines,
  lockInvoice,
  nameOf,
  parkInvoice,
  updateInvoice,
  type InvoiceRow,
} from './invoice-store.ts';
import { holdLease, type Lease } from '../lease.ts';
import { invoiceObject, type StripeInvoice } from '../objects.ts';
import type { Outcome, StripeContext } from '../operation.ts';
import { readObject } from '../read.ts';

/** The moments at which a crash test stops: around the read and the transaction after it. */
export const VERIFY_MOMENTS = ['begin', 'answered', 'saved'] as const;

/**
 * Reads the draft back and compares it with the frozen invoice, cent by cent and line by line. Only what
 * is equal may be finalized; anything else waits for an operator.
 */
export async function verifyInvoice(
  context: StripeContext,
  lease: Lease,
  invoice: InvoiceRow,
): Promise<Outcome<null>> {
  const { db, gateway, clock, atPoint } = context;
  await atPoint?.('verify:begin');
  const path = `/v1/invoices/${stripeIdOf(invoice)}`;
  const seen = await readObject(gateway, invoiceObject, path);
  // An invoice shows its first lines only.
  const isWhole = seen?.lines !== undefined && seen.lines.has_more !== true;
  const lines = isWhole ? seen.lines!.data : await readLines(gateway, stripeIdOf(invoice));
  await atPoint?.('verify:answered');
  const expected = sentLines(await findLines(db, nameOf(invoice)));
  await db.transaction().execute(async (tx) => {
    const now = clock();
    await holdLease(tx, now, lease);
    const row = await lockInvoice(tx, nameOf(invoice));
    if (row === undefined || row.state !== 'filled') return;
    const fault = seen === undefined ? 'gone' : contentFault(row, expected, seen, lines);
    if (seen === undefined || seen.deleted || fault !== undefined) {
      return await parkInvoice(tx, nameOf(row), `at Stripe: ${fault ?? 'deleted'}`);
    }
    await accept(context, tx, row, seen);
  });
  await atPoint?.('verify:saved');
  return { outcome: 'done', result: null };
}

async function accept(
  { clock }: StripeContext,
  tx: StripeContext['db'],
  row: InvoiceRow,
  seen: StripeInvoice,
): Promise<void> {
  if (seen.status === 'draft') {
    await updateInvoice(tx, nameOf(row))
      .set({ state: 'verified', next_attempt_at: null })
      .execute();
    return;
  }
  // An earlier life of this database, or a person, finalized it; its content is ours.
  await applyInvoice(tx, clock(), row, seen, true);
}
