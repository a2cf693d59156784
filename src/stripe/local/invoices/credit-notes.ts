import { inPath, mergedMetadata, named, type Call, type MetadataParam } from '../call.ts';
import { contract } from '../contract/contract.ts';
import { emit } from '../events/emit.ts';
import type { JsonObject } from '../json.ts';
import type { CreditNote, Invoice } from '../state/objects.ts';
import { invalid } from '../refusal.ts';
import { enterBalance } from '../customers/customers.ts';
import { linesOf } from './invoice-totals.ts';
import { paymentOf, resizePayment, settle } from '../money/payments.ts';
import { createRefund, dollars } from '../money/refunds.ts';
import { timeOf } from '../customers/time.ts';

type Line = {
  readonly type: string;
  readonly amount?: number;
  readonly unit_amount?: number;
  readonly quantity?: number;
  readonly description?: string;
  readonly invoice_line_item?: string;
};
type Create = {
  readonly invoice: string;
  readonly amount?: number;
  readonly lines?: readonly Line[];
  readonly refund_amount?: number;
  readonly credit_amount?: number;
  readonly out_of_band_amount?: number;
  readonly refunds?: readonly { readonly refund?: string; readonly amount_refunded?: number }[];
  readonly reason?: string;
  readonly memo?: string;
  readonly metadata?: MetadataParam;
};

/**
 * Lowers what an open invoice asks for (pre payment), or says where the money of a paid one went (post payment): refunded
 * now, refunded already, credited to the balance, or paid outside; the parts must add up.
 */
export function createCreditNote(call: Call, params: Create): CreditNote {
  const { world } = call;
  const invoice = named(call, 'invoice', params.invoice, 'invoice');
  if (
    invoice.status !== 'open' &&
    invoice.status !== 'paid' &&
    invoice.status !== 'uncollectible'
  ) {
    throw invalid(`You cannot create a credit note for an invoice that is ${invoice.status}.`, {
      param: 'invoice',
    });
  }
  const id = world.newId('cn_');
  const lines = (params.lines ?? []).map((line) => noteLine(call, invoice, line));
  const amount = params.amount ?? lines.reduce((sum, line) => sum + Number(line['amount']), 0);
  const pre = Math.min(amount, invoice.amount_remaining);
  const post = amount - pre;
  demandRoom(invoice, amount);
  demandParts(params, post);
  const refunds = [
    ...linkedRefunds(call, params),
    ...newRefund(call, invoice, params.refund_amount ?? 0),
  ];
  const entry = credited(call, invoice, params.credit_amount ?? 0, id);
  const count = world.all('credit_note').filter((note) => note.invoice === invoice.id).length;
  const note: CreditNote = {
    ...contract().blank('credit_note'),
    id,
    object: 'credit_note',
    amount,
    amount_shipping: 0,
    created: timeOf(world, invoice),
    currency: invoice.currency,
    customer: invoice.customer,
    customer_balance_transaction: entry,
    discount_amount: 0,
    effective_at: timeOf(world, invoice),
    invoice: invoice.id,
    lines: { object: 'list', data: lines },
    livemode: false,
    memo: params.memo ?? null,
    metadata: mergedMetadata({}, params.metadata),
    number: `${invoice.number ?? invoice.id}-CN-${String(count + 1).padStart(2, '0')}`,
    out_of_band_amount: params.out_of_band_amount ?? null,
    pdf: `${world.url()}/local/credit_notes/${id}/pdf`,
    post_payment_amount: post,
    pre_payment_amount: pre,
    reason: params.reason ?? null,
    refunds,
    status: 'issued',
    subtotal: amount,
    subtotal_excluding_tax: amount,
    total: amount,
    total_excluding_tax: amount,
    total_taxes: [],
    type: post === 0 ? 'pre_payment' : pre === 0 ? 'post_payment' : 'mixed',
  };
  world.put('credit_note', note);
  emit(call, 'credit_note.created', note);
  applyTo(call, invoice, { pre, post });
  return note;
}

export function updateCreditNote(
  call: Call,
  params: { readonly memo?: string; readonly metadata?: MetadataParam },
): CreditNote {
  const before = inPath(call, 'credit_note', 'id');
  const after: CreditNote = {
    ...before,
    memo: params.memo ?? before['memo'],
    metadata: mergedMetadata(before.metadata, params.metadata),
  };
  call.world.put('credit_note', after);
  emit(call, 'credit_note.updated', after, before);
  return after;
}

/** Only before payment: money that has moved is not called back. */
export function voidCreditNote(call: Call): CreditNote {
  const before = inPath(call, 'credit_note', 'id');
  const invoice = named(call, 'invoice', before.invoice, 'invoice');
  if (before.status === 'void') throw invalid('This credit note is already void.');
  if (invoice.status !== 'open' || before.post_payment_amount > 0) {
    throw invalid('You can only void a credit note that is associated with an open invoice.');
  }
  const after: CreditNote = { ...before, status: 'void', voided_at: call.world.now() };
  call.world.put('credit_note', after);
  emit(call, 'credit_note.voided', after, before);
  applyTo(call, invoice, { pre: -before.pre_payment_amount, post: 0 });
  return after;
}

/** What creating it would answer; nothing stays. */
export function previewCreditNote(call: Call, params: Create): JsonObject {
  return createCreditNote(call, params);
}

export function creditLinesInPath(call: Call): readonly JsonObject[] {
  return inPath(call, 'credit_note', 'credit_note').lines.data;
}

function applyTo(
  call: Call,
  invoice: Invoice,
  { pre, post }: { readonly pre: number; readonly post: number },
): void {
  const after: Invoice = {
    ...invoice,
    amount_remaining: invoice.amount_remaining - pre,
    pre_payment_credit_notes_amount: invoice.pre_payment_credit_notes_amount + pre,
    post_payment_credit_notes_amount: invoice.post_payment_credit_notes_amount + post,
  };
  call.world.put('invoice', after);
  if (pre !== 0) resizePayment(call, after);
  if (pre !== 0 && after.amount_remaining === 0) settle(call, after, {});
  else emit(call, 'invoice.updated', after, invoice);
}

function demandRoom(invoice: Invoice, amount: number): void {
  const room =
    invoice.total -
    invoice.pre_payment_credit_notes_amount -
    invoice.post_payment_credit_notes_amount;
  if (amount <= 0)
    throw invalid('A credit note needs an amount above zero, or lines.', { param: 'amount' });
  if (amount > room) {
    throw invalid(
      `The credit note amount (${dollars(amount)}) is greater than what can still be credited on the invoice (${dollars(room)}).`,
      { param: 'amount' },
    );
  }
}

function demandParts(params: Create, post: number): void {
  const alreadyRefunded = (params.refunds ?? []).reduce(
    (sum, { amount_refunded: part }) => sum + (part ?? 0),
    0,
  );
  const parts =
    (params.refund_amount ?? 0) +
    (params.credit_amount ?? 0) +
    (params.out_of_band_amount ?? 0) +
    alreadyRefunded;
  if (parts !== post) {
    throw invalid(
      `The sum of the refund, credit and out of band amounts (${dollars(parts)}) must equal the post payment amount (${dollars(post)}).`,
      { param: 'refund_amount' },
    );
  }
}

function linkedRefunds(call: Call, params: Create): readonly JsonObject[] {
  return (params.refunds ?? []).map(({ refund: id, amount_refunded: amount }, index) => {
    const refund = named(call, 'refund', id ?? '', `refunds[${index}][refund]`);
    return linked(refund.id, amount ?? refund.amount);
  });
}

function newRefund(call: Call, invoice: Invoice, amount: number): readonly JsonObject[] {
  if (amount === 0) return [];
  const { intent } = paymentOf(call.world, invoice);
  return [linked(createRefund(call, { payment_intent: intent.id, amount }).id, amount)];
}

function linked(refund: string, amount: number): JsonObject {
  return { amount_refunded: amount, payment_record_refund: null, refund, type: 'refund' };
}

function credited(call: Call, invoice: Invoice, amount: number, noteId: string): string | null {
  if (amount === 0) return null;
  const customer = named(call, 'customer', invoice.customer, 'customer');
  enterBalance(call, customer, -amount, 'credit_note', {
    credit_note: noteId,
    invoice: invoice.id,
  });
  return call.world.all('customer_balance_transaction').at(-1)?.id ?? null;
}

function noteLine(call: Call, invoice: Invoice, line: Line): JsonObject {
  const source = linesOf(call.world, invoice).find(({ id }) => id === line.invoice_line_item);
  if (line.type === 'invoice_line_item' && source === undefined) {
    throw invalid(`No such line on the invoice: '${line.invoice_line_item}'`, {
      code: 'resource_missing',
      param: 'lines',
    });
  }
  const amount = line.amount ?? (line.unit_amount ?? source?.amount ?? 0) * (line.quantity ?? 1);
  return {
    ...contract().blank('credit_note_line_item'),
    id: call.world.newId('cnli_'),
    object: 'credit_note_line_item',
    amount,
    description: line.description ?? source?.description ?? null,
    discount_amount: 0,
    ...(source === undefined ? {} : { invoice_line_item: source.id }),
    livemode: false,
    quantity: line.quantity ?? 1,
    taxes: [],
    type: line.type,
    unit_amount: line.unit_amount ?? null,
  };
}
