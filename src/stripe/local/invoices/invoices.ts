import { inPath, mergedMetadata, named, unset, type Call, type MetadataParam } from '../call.ts';
import { contract } from '../contract/contract.ts';
import { emit } from '../events/emit.ts';
import type { Json, JsonObject } from '../json.ts';
import type { Customer, Invoice } from '../state/objects.ts';
import { invalid, missing, notImitated } from '../refusal.ts';
import { usableMethod } from '../cards/cards.ts';
import { sweepPending } from './invoice-lines.ts';
import { withTotals } from './invoice-totals.ts';
import { timeOf } from '../customers/time.ts';

/** When Stripe finalizes a draft with auto_advance by itself, and when it says it will try to collect. */
const FINALIZES_AFTER_SECONDS = 3601;
const COLLECTS_AFTER_SECONDS = 3600;
const DAY_SECONDS = 86_400;

type Write = {
  readonly auto_advance?: boolean;
  readonly collection_method?: 'charge_automatically' | 'send_invoice';
  readonly custom_fields?: readonly JsonObject[] | '';
  readonly days_until_due?: number;
  readonly due_date?: number;
  readonly default_payment_method?: string;
  readonly description?: string;
  /** Empty stops inheriting the customer's discount; there are none here. */
  readonly discounts?: readonly JsonObject[] | '';
  readonly footer?: string;
  readonly metadata?: MetadataParam;
  readonly number?: string;
  readonly statement_descriptor?: string;
};
type Create = Write & {
  readonly customer?: string;
  readonly currency?: string;
  readonly pending_invoice_items_behavior?: 'exclude' | 'include';
};

/** A draft: nothing is collected from it unless auto_advance is on. */
export function createInvoice(call: Call, params: Create): Invoice {
  const { world } = call;
  const customer = invoicedCustomer(call, params);
  const invoice = written(
    call,
    blankInvoice(call, customer, params),
    params,
    timeOf(world, customer),
  );
  const shown = advancing(invoice);
  world.put('invoice', shown);
  const lines =
    params.pending_invoice_items_behavior === 'include' ? sweepPending(call, shown) : [];
  const after = withTotals(shown, lines);
  world.put('invoice', after);
  world.put('local.invoice', { id: after.id, lines, payment: null });
  emit(call, 'invoice.created', after);
  return after;
}

const EDITABLE_WHEN_FINAL = new Set([
  'metadata',
  'auto_advance',
  'default_payment_method',
  'expand',
]);

export function updateInvoice(call: Call, params: Write): Invoice {
  const before = inPath(call, 'invoice', 'invoice');
  const frozen = Object.keys(params).find((name) => !EDITABLE_WHEN_FINAL.has(name));
  if (before.status !== 'draft' && frozen !== undefined) {
    throw invalid("Finalized invoices can't be updated in this way", { param: frozen });
  }
  if (params.auto_advance === true && before.status !== 'draft' && before.status !== 'open') {
    throw invalid(`You cannot turn on auto_advance for an invoice that is ${before.status}.`, {
      param: 'auto_advance',
    });
  }
  const changed = written(call, before, params, before.created);
  const after = params.auto_advance === undefined ? changed : advancing(changed);
  call.world.put('invoice', after);
  emit(call, 'invoice.updated', after, before);
  return after;
}

/** Only a draft. Its items stay with it: they do not become pending again. */
export function deleteInvoice(call: Call): JsonObject {
  const invoice = inPath(call, 'invoice', 'invoice');
  if (invoice.status !== 'draft') throw invalid('You can only delete draft invoices.');
  emit(call, 'invoice.deleted', invoice);
  call.world.remove('local.invoice', invoice.id);
  call.world.remove('invoice', invoice.id);
  return { id: invoice.id, object: 'invoice', deleted: true };
}

function invoicedCustomer(call: Call, params: Create): Customer {
  if (params.customer === undefined)
    throw invalid('Missing required param: customer.', {
      code: 'parameter_missing',
      param: 'customer',
    });
  const customer = named(call, 'customer', params.customer, 'customer');
  if (customer.deleted === true) throw missing('customer', customer.id, 'customer', 400);
  const currency = params.currency ?? customer.currency ?? 'usd';
  if (customer.currency === null) call.world.put('customer', { ...customer, currency });
  else if (customer.currency !== currency) {
    throw invalid(
      `You cannot combine currencies on a single customer. This customer has had an invoice or invoice item with currency ${customer.currency}.`,
      { param: 'currency' },
    );
  }
  return { ...customer, currency };
}

function blankInvoice({ world }: Call, customer: Customer, params: Create): Invoice {
  const now = timeOf(world, customer);
  return {
    ...contract().blank('invoice'),
    id: world.newId('in_'),
    object: 'invoice',
    account_country: 'US',
    account_name: 'Local Stripe',
    amount_due: 0,
    amount_overpaid: 0,
    amount_paid: 0,
    amount_remaining: 0,
    amount_shipping: 0,
    attempt_count: 0,
    attempted: false,
    auto_advance: false,
    automatic_tax: {
      disabled_reason: null,
      enabled: false,
      liability: null,
      provider: null,
      status: null,
    },
    automatically_finalizes_at: null,
    billing_reason: 'manual',
    collection_method: 'charge_automatically',
    created: now,
    currency: params.currency ?? customer.currency ?? 'usd',
    customer: customer.id,
    customer_address: customer.address,
    customer_email: customer.email,
    customer_name: customer.name,
    customer_phone: customer.phone,
    customer_shipping: customer.shipping,
    customer_tax_exempt: customer.tax_exempt,
    customer_tax_ids: [],
    default_payment_method: null,
    description: null,
    ending_balance: null,
    footer: customer.invoice_settings.footer,
    hosted_invoice_url: null,
    invoice_pdf: null,
    issuer: { type: 'self' },
    livemode: false,
    metadata: {},
    next_payment_attempt: null,
    number: null,
    payment_settings: {
      default_mandate: null,
      payment_method_options: null,
      payment_method_types: null,
    },
    period_end: now,
    period_start: now,
    post_payment_credit_notes_amount: 0,
    pre_payment_credit_notes_amount: 0,
    starting_balance: customer.balance,
    status: 'draft',
    status_transitions: {
      finalized_at: null,
      marked_uncollectible_at: null,
      paid_at: null,
      voided_at: null,
    },
    subtotal: 0,
    test_clock: customer.test_clock,
    total: 0,
    total_discount_amounts: [],
    total_pretax_credit_amounts: [],
    total_taxes: [],
    webhooks_delivered_at: null,
  };
}

function written(call: Call, before: Invoice, params: Write, now: number): Invoice {
  const method = params.collection_method ?? before.collection_method;
  if (
    method === 'charge_automatically' &&
    (params.days_until_due !== undefined || params.due_date !== undefined)
  ) {
    throw invalid('You cannot set a due date on an invoice that is collected automatically.', {
      param: 'days_until_due',
    });
  }
  if (params.discounts !== undefined && params.discounts.length > 0) throw notImitated('discounts');
  const dueDate =
    params.due_date ??
    (params.days_until_due === undefined
      ? before['due_date']
      : now + params.days_until_due * DAY_SECONDS);
  const descriptor = params.statement_descriptor;
  if (descriptor !== undefined && descriptor !== '' && !/[a-z]/i.test(descriptor)) {
    throw invalid('The statement descriptor must contain at least one letter.', {
      param: 'statement_descriptor',
    });
  }
  return {
    ...before,
    auto_advance: params.auto_advance ?? before.auto_advance,
    collection_method: method,
    custom_fields:
      params.custom_fields === '' ? null : limited(params.custom_fields ?? before['custom_fields']),
    default_payment_method: ownedMethod(call, before, params.default_payment_method),
    description: unset(params.description, before.description),
    due_date: dueDate,
    footer: params.footer ?? before['footer'],
    metadata: mergedMetadata(before.metadata, params.metadata),
    number: unset(params.number, before.number),
    statement_descriptor: params.statement_descriptor ?? before['statement_descriptor'],
  };
}

/** What auto_advance does to a draft or an open invoice; without it Stripe never acts alone. */
function advancing(invoice: Invoice): Invoice {
  const isCharged = invoice.collection_method === 'charge_automatically';
  if (!invoice.auto_advance)
    return { ...invoice, automatically_finalizes_at: null, next_payment_attempt: null };
  if (invoice.status === 'open')
    return {
      ...invoice,
      next_payment_attempt: isCharged ? invoice.status_transitions.finalized_at : null,
    };
  return {
    ...invoice,
    automatically_finalizes_at: invoice.created + FINALIZES_AFTER_SECONDS,
    next_payment_attempt: isCharged ? invoice.created + COLLECTS_AFTER_SECONDS : null,
  };
}

function ownedMethod(call: Call, invoice: Invoice, id: string | undefined): string | null {
  if (id === undefined) return invoice.default_payment_method;
  if (id === '') return null;
  if (usableMethod(call, id).customer === invoice.customer) return id;
  throw invalid(`The payment method ${id} must be attached to the invoice's customer.`, {
    param: 'default_payment_method',
  });
}

function limited(fields: Json | undefined): Json {
  if (Array.isArray(fields) && fields.length > 4)
    throw invalid('An invoice can have at most 4 custom fields.', { param: 'custom_fields' });
  return fields ?? null;
}
