import type { Db } from '../../database/pool.ts';
import { recordDrift } from '../drift.ts';
import type { Gateway } from '../gateway.ts';
import { lockInvoice, type InvoiceName, type InvoiceRow } from '../issue/invoice-store.ts';
import {
  creditNoteObject,
  invoiceObject,
  invoicePaymentObject,
  refundObject,
  type StripeRefund,
} from '../objects.ts';
import type { StripeContext } from '../operation.ts';
import { readList, readObject } from '../read.ts';
import { bookRefund, lockRefund, type RefundRow } from '../refunds/book-refund.ts';
import type { NewsOutcome } from './event-store.ts';
import { invoiceNameOf } from './sync-invoice.ts';

/** Reads all refunds of a payment, also those made by hand, and books what is new. */
export async function syncRefundsOfIntent(
  context: StripeContext,
  paymentIntentId: string,
): Promise<NewsOutcome> {
  const stripeInvoiceId = await findInvoiceOfIntent(context.gateway, paymentIntentId);
  if (stripeInvoiceId === undefined) return 'foreign';
  return await syncRefundsOfInvoice(context, stripeInvoiceId);
}

export async function findInvoiceOfIntent(
  gateway: Gateway,
  paymentIntentId: string,
): Promise<string | undefined> {
  const path = '/v1/invoice_payments';
  const payment = { type: 'payment_intent', payment_intent: paymentIntentId };
  for await (const { invoice } of readList(gateway, invoicePaymentObject, path, { payment })) {
    if (invoice !== null) return invoice;
  }
  return undefined;
}

/** The refunds of all payments of an invoice. */
export async function syncRefundsOfInvoice(
  context: StripeContext,
  stripeInvoiceId: string,
): Promise<NewsOutcome> {
  const { db, gateway, clock } = context;
  const path = `/v1/invoices/${stripeInvoiceId}`;
  const invoice = await readObject(gateway, invoiceObject, path, { expand: ['payments'] });
  const name = invoiceNameOf(invoice?.metadata ?? {});
  if (invoice === undefined || name === undefined) return 'foreign';
  const refunds: StripeRefund[] = [];
  for (const intent of intentsOf(invoice)) {
    const params = { payment_intent: intent };
    for await (const refund of readList(gateway, refundObject, '/v1/refunds', params)) {
      refunds.push(refund);
    }
  }
  // After the refunds: a note is there as soon as its refund is, but not the other way round.
  const notes = await readNotes(gateway, stripeInvoiceId);
  return await db.transaction().execute(async (tx) => {
    const row = await lockInvoice(tx, name);
    if (row === undefined) return { again: 'a refund of an invoice that is not in our books' };
    for (const refund of refunds) {
      await mergeRefund(tx, clock(), row, refund, notes.get(refund.id));
    }
    return 'refunds merged';
  });
}

/** Which credit note made a refund, and for which of ours. */
type Note = { readonly creditNoteId: string; readonly refundId: string | undefined };

async function readNotes(gateway: Gateway, stripeInvoiceId: string): Promise<Map<string, Note>> {
  const notes = new Map<string, Note>();
  const params = { invoice: stripeInvoiceId };
  for await (const note of readList(gateway, creditNoteObject, '/v1/credit_notes', params)) {
    const of = { creditNoteId: note.id, refundId: note.metadata['gm_refund'] };
    for (const { refund } of note.refunds) if (refund !== null) notes.set(refund, of);
  }
  return notes;
}

function intentsOf(invoice: ReturnType<typeof invoiceObject.parse>): string[] {
  return (invoice.payments?.data ?? []).flatMap(({ payment }) => {
    const intent = payment?.payment_intent ?? null;
    if (intent === null) return [];
    return [typeof intent === 'string' ? intent : intent.id];
  });
}

async function mergeRefund(
  tx: Db,
  now: Date,
  invoice: InvoiceRow,
  seen: StripeRefund,
  note: Note | undefined,
): Promise<void> {
  const known = await findRefund(tx, invoice, seen, note);
  const row = known ?? (await insertByHand(tx, now, invoice, seen));
  await bookRefund(tx, now, row, {
    creditNoteId: note?.creditNoteId ?? null,
    stripeRefundId: seen.id,
    status: seen.status,
  });
}

async function findRefund(
  tx: Db,
  { account_id: accountId }: InvoiceRow,
  seen: StripeRefund,
  note: Note | undefined,
): Promise<RefundRow | undefined> {
  const byId = await tx
    .selectFrom('refund')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('stripe_refund_id', '=', seen.id)
    .forUpdate()
    .executeTakeFirst();
  if (byId !== undefined || note?.refundId === undefined) return byId;
  return await lockRefund(tx, { accountId, refundId: note.refundId });
}

/** Money that went back without us: booked all the same, and reported. */
async function insertByHand(
  tx: Db,
  now: Date,
  invoice: InvoiceRow,
  seen: StripeRefund,
): Promise<RefundRow> {
  const name: InvoiceName = { accountId: invoice.account_id, invoiceId: invoice.invoice_id };
  await recordDrift(tx, now, [
    {
      accountId: name.accountId,
      driftId: `refund_by_hand:${seen.id}`,
      kind: 'refund_by_hand',
      cents: -BigInt(seen.amount),
      details: { invoice: name.invoiceId, stripe_refund: seen.id },
    },
  ]);
  return await tx
    .insertInto('refund')
    .values({
      account_id: name.accountId,
      refund_id: seen.id,
      invoice_id: name.invoiceId,
      amount_cents: BigInt(seen.amount),
      state: 'pending',
      created_at: now,
      stripe_refund_id: seen.id,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
}
