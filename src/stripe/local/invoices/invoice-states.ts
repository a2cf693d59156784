import { byStripe, inPath, type Call } from '../call.ts';
import { emit } from '../events/emit.ts';
import type { Customer, Invoice } from '../state/objects.ts';
import { invalid, Refusal } from '../refusal.ts';
import type { World } from '../state/world.ts';
import { enterBalance } from '../customers/customers.ts';
import { openPayment, cancelPayment, collect, settle } from '../money/payments.ts';
import { timeOf } from '../customers/time.ts';

/** Smallest amount Stripe charges in US dollars, in cents; less goes to the customer's balance. */
const SMALLEST_CHARGE_CENTS = 50;

type Pay = {
  readonly payment_method?: string;
  readonly off_session?: boolean;
  readonly paid_out_of_band?: boolean;
};

export function finalizeInvoice(call: Call, params: { readonly auto_advance?: boolean }): Invoice {
  const invoice = inPath(call, 'invoice', 'invoice');
  if (invoice.status !== 'draft')
    throw invalid("This invoice is already finalized, you can't re-finalize a non-draft invoice.");
  return finalize(call, { ...invoice, auto_advance: params.auto_advance ?? invoice.auto_advance });
}

/** Collects once; a draft is finalized first. A decline answers 402 and leaves the invoice open. */
export function payInvoice(call: Call, params: Pay): Invoice {
  const found = inPath(call, 'invoice', 'invoice');
  if (found.status === 'paid') throw invalid('Invoice is already paid');
  if (found.status === 'void') throw invalid('This invoice can no longer be paid: it is void.');
  const invoice = found.status === 'draft' ? finalize(call, found) : found;
  if (invoice.status === 'paid') return invoice;
  if (params.paid_out_of_band === true)
    return settle(call, invoice, { amount_paid_off_stripe: invoice.amount_remaining });
  return collect(call, invoice, params.payment_method ?? null, params.off_session ?? true);
}

export function voidInvoice(call: Call): Invoice {
  const before = inPath(call, 'invoice', 'invoice');
  if (before.status === 'paid') throw invalid('Invoices with `paid` payments cannot be voided.');
  if (before.status !== 'open')
    throw invalid("You can only pass in open invoices. This invoice isn't open.");
  cancelPayment(call, before);
  giveBackBalance(call, before);
  return stopped(
    call,
    before,
    {
      status: 'void',
      status_transitions: { ...before.status_transitions, voided_at: nowOf(call, before) },
    },
    'invoice.voided',
  );
}

export function markUncollectible(call: Call): Invoice {
  const before = inPath(call, 'invoice', 'invoice');
  if (before.status === 'uncollectible')
    throw invalid('This invoice has already been marked uncollectible.');
  if (before.status !== 'open')
    throw invalid("You can only pass in open invoices. This invoice isn't open.");
  const transitions = {
    ...before.status_transitions,
    marked_uncollectible_at: nowOf(call, before),
  };
  return stopped(
    call,
    before,
    { status: 'uncollectible', status_transitions: transitions },
    'invoice.marked_uncollectible',
  );
}

/** Mails nothing; like Stripe in test mode it only says that it was sent. */
export function sendInvoice(call: Call): Invoice {
  const found = inPath(call, 'invoice', 'invoice');
  if (found.collection_method !== 'send_invoice')
    throw invalid('You can only send an invoice whose collection method is `send_invoice`.');
  const invoice = found.status === 'draft' ? finalize(call, found) : found;
  emit(call, 'invoice.sent', invoice);
  return invoice;
}

/** Gives the number, settles the customer's balance and makes the one payment; nothing is collected here. */
export function finalize(call: Call, draft: Invoice): Invoice {
  const { world } = call;
  const customer = world.get('customer', draft.customer);
  if (customer === undefined || customer.deleted === true)
    throw invalid('The customer of this invoice has been deleted.');
  if (draft.collection_method === 'send_invoice' && customer.email === null) {
    throw invalid(
      'Missing email. In order to create invoices that are sent to the customer, the customer must have a valid email.',
    );
  }
  const now = timeOf(world, draft);
  const owed = Math.max(0, draft.total + customer.balance);
  const isTooSmall = owed > 0 && owed < SMALLEST_CHARGE_CENTS;
  const isCharged = draft.auto_advance && draft.collection_method === 'charge_automatically';
  const due = isTooSmall ? 0 : owed;
  const after: Invoice = {
    ...draft,
    status: 'open',
    ...numbered(call, customer, draft),
    effective_at: now,
    hosted_invoice_url: `${world.url()}/local/invoices/${draft.id}`,
    invoice_pdf: `${world.url()}/local/invoices/${draft.id}/pdf`,
    starting_balance: customer.balance,
    ending_balance: applyBalance(call, draft, isTooSmall ? owed : 0),
    amount_due: due,
    amount_remaining: due,
    automatically_finalizes_at: null,
    next_payment_attempt: isCharged ? now : null,
    status_transitions: { ...draft.status_transitions, finalized_at: now },
  };
  world.put('invoice', after);
  if (due > 0) openPayment(call, after);
  emit(call, 'invoice.updated', after, draft);
  emit(call, 'invoice.finalized', after);
  return due > 0 ? after : settle(call, after, { attempted: true });
}

/** Stripe's own doing for every invoice whose auto_advance came due: finalize, then collect. */
export function advanceInvoices(world: World): void {
  const call = byStripe(world);
  for (const invoice of world.waiting('invoice')) {
    const now = timeOf(world, invoice);
    if (invoice.status === 'draft' && (invoice.automatically_finalizes_at ?? Infinity) <= now)
      finalize(call, invoice);
    const current = world.get('invoice', invoice.id);
    if (current?.status === 'open' && (current.next_payment_attempt ?? Infinity) <= now)
      collectAlone(call, current);
  }
}

/** Instants at which advanceInvoices() has something to do, in seconds of this server's clock. */
export function invoicesDueAt(world: World): readonly number[] {
  const ours = world.waiting('invoice').filter((invoice) => invoice.test_clock === null);
  return ours.flatMap(
    ({ status, automatically_finalizes_at: finalizes, next_payment_attempt: collects }) => {
      if (status === 'draft') return finalizes ?? [];
      return status === 'open' ? (collects ?? []) : [];
    },
  );
}

function collectAlone(call: Call, invoice: Invoice): void {
  call.world.put('invoice', { ...invoice, next_payment_attempt: null });
  try {
    collect(call, { ...invoice, next_payment_attempt: null }, null, true);
  } catch (error) {
    // A decline is on record at the invoice and its charge; without a card there is nothing to try.
    if (!(error instanceof Refusal)) throw error;
  }
}

/** Amounts owed by the customer join this invoice, credit lowers it; returns the balance left. */
function applyBalance(call: Call, draft: Invoice, tooSmallCents: number): number {
  const customer = call.world.get('customer', draft.customer);
  if (customer === undefined) return 0;
  const isCredit = draft.total + customer.balance < 0;
  const applied = isCredit ? draft.total : -customer.balance;
  const settled = enterBalance(call, customer, applied, 'applied_to_invoice', {
    invoice: draft.id,
  });
  return enterBalance(call, settled, tooSmallCents, 'invoice_too_small', { invoice: draft.id })
    .balance;
}

function giveBackBalance(call: Call, invoice: Invoice): void {
  const customer = call.world.get('customer', invoice.customer);
  const applied = (invoice.ending_balance ?? 0) - invoice.starting_balance;
  if (customer === undefined || customer.deleted === true) return;
  enterBalance(call, customer, -applied, 'unapplied_from_invoice', { invoice: invoice.id });
}

/** `<PREFIX>-0001`, counted per customer. */
function numbered(call: Call, customer: Customer, draft: Invoice): { readonly number: string } {
  if (draft.number !== null) return { number: draft.number };
  const sequence = customer.next_invoice_sequence;
  call.world.put('customer', { ...customer, next_invoice_sequence: sequence + 1 });
  return { number: `${customer.invoice_prefix}-${String(sequence).padStart(4, '0')}` };
}

function stopped(call: Call, before: Invoice, changes: Partial<Invoice>, event: string): Invoice {
  const after: Invoice = { ...before, ...changes, auto_advance: false, next_payment_attempt: null };
  call.world.put('invoice', after);
  emit(call, 'invoice.updated', after, before);
  emit(call, event, after);
  return after;
}

function nowOf(call: Call, invoice: Invoice): number {
  return timeOf(call.world, invoice);
}
