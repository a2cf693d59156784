import { inPath, mergedMetadata, named, type Call, type MetadataParam } from '../call.ts';
import { contract } from '../contract/contract.ts';
import { emit } from '../events/emit.ts';
import type { JsonObject } from '../json.ts';
import type { Customer, Invoice, InvoiceItem, LineItem, Period } from '../state/objects.ts';
import { invalid } from '../refusal.ts';
import { multiplyToCents } from './decimals.ts';
import { demandDraft, linesOf, retotal } from './invoice-totals.ts';
import { timeOf } from '../customers/time.ts';

export type ItemParams = {
  readonly amount?: number;
  readonly quantity?: number;
  readonly quantity_decimal?: string;
  readonly unit_amount_decimal?: string;
  readonly price_data?: JsonObject & {
    readonly product?: string;
    readonly product_data?: JsonObject & { readonly name: string };
    readonly unit_amount?: number;
    readonly unit_amount_decimal?: string;
  };
  readonly description?: string;
  readonly discountable?: boolean;
  readonly period?: Period;
  readonly metadata?: MetadataParam;
};
type Create = ItemParams & {
  readonly customer?: string;
  readonly invoice?: string;
  readonly currency?: string;
};

/** On a draft when `invoice` is given, else pending until an invoice that includes pending items takes it. */
export function createItem(call: Call, params: Create): InvoiceItem {
  const invoice =
    params.invoice === undefined ? null : named(call, 'invoice', params.invoice, 'invoice');
  const customerId = params.customer ?? invoice?.customer;
  if (customerId === undefined)
    throw invalid('Missing required param: customer.', {
      code: 'parameter_missing',
      param: 'customer',
    });
  const customer = named(call, 'customer', customerId, 'customer');
  const currency = params.currency ?? invoice?.currency ?? customer.currency ?? 'usd';
  if (invoice !== null) demandDraft(invoice);
  const item = newItem(call, customer, { ...params, currency, invoice: invoice?.id ?? null }, '');
  if (invoice !== null)
    retotal(call, invoice, [...linesOf(call.world, invoice), lineOf(call, item, invoice)]);
  return item;
}

export function updateItem(call: Call, params: ItemParams): InvoiceItem {
  const before = inPath(call, 'invoiceitem', 'invoiceitem');
  const invoice = invoiceOfDraft(call, before);
  const after = changedItem(before, params);
  call.world.put('invoiceitem', after);
  if (invoice !== null) {
    const lines = linesOf(call.world, invoice).map((line) =>
      itemIdOf(line) === after.id ? { ...line, ...lineFacts(after) } : line,
    );
    retotal(call, invoice, lines);
  }
  return after;
}

export function deleteItem(call: Call): JsonObject {
  const item = inPath(call, 'invoiceitem', 'invoiceitem');
  const invoice = invoiceOfDraft(call, item);
  if (invoice !== null)
    retotal(
      call,
      invoice,
      linesOf(call.world, invoice).filter((line) => itemIdOf(line) !== item.id),
    );
  call.world.remove('invoiceitem', item.id);
  emit(call, 'invoiceitem.deleted', item);
  return { id: item.id, object: 'invoiceitem', deleted: true };
}

/** `path` is where the parameters stood, for the error (`lines[0]`). */
export function newItem(
  call: Call,
  customer: Customer,
  params: ItemParams & { readonly currency: string; readonly invoice: string | null },
  path: string,
): InvoiceItem {
  const now = timeOf(call.world, customer);
  const item: InvoiceItem = {
    ...contract().blank('invoiceitem'),
    id: call.world.newId('ii_'),
    object: 'invoiceitem',
    ...priced(params, path),
    currency: params.currency,
    customer: customer.id,
    date: now,
    description: params.description ?? params.price_data?.product_data?.name ?? null,
    discountable: params.discountable ?? true,
    discounts: [],
    invoice: params.invoice,
    livemode: false,
    metadata: mergedMetadata({}, params.metadata),
    period: params.period ?? { start: now, end: now },
    proration: false,
    tax_rates: [],
    test_clock: customer.test_clock,
  };
  call.world.put('invoiceitem', item);
  emit(call, 'invoiceitem.created', item);
  return item;
}

export function lineOf(call: Call, item: InvoiceItem, invoice: Invoice): LineItem {
  return {
    ...contract().blank('line_item'),
    id: call.world.newId('il_'),
    object: 'line_item',
    ...lineFacts(item),
    currency: item.currency,
    discount_amounts: [],
    discounts: [],
    invoice: invoice.id,
    livemode: false,
    parent: {
      type: 'invoice_item_details',
      invoice_item_details: {
        invoice_item: item.id,
        proration: false,
        proration_details: { credited_items: null },
        subscription: null,
      },
      subscription_item_details: null,
    },
    pretax_credit_amounts: [],
    taxes: [],
  };
}

export function changedItem(before: InvoiceItem, params: ItemParams): InvoiceItem {
  return {
    ...before,
    ...repriced(before, params),
    description: params.description ?? before.description,
    discountable: params.discountable ?? before.discountable,
    period: params.period ?? before.period,
    metadata: mergedMetadata(before.metadata, params.metadata),
  };
}

export function itemIdOf(line: LineItem): string {
  return line.parent.invoice_item_details.invoice_item;
}

/** What a line copies from its item. */
export function lineFacts(item: InvoiceItem) {
  const {
    amount,
    description,
    discountable,
    metadata,
    period,
    pricing,
    quantity,
    quantity_decimal,
  } = item;
  return {
    amount,
    subtotal: amount,
    description,
    discountable,
    metadata,
    period,
    pricing,
    quantity,
    quantity_decimal,
  };
}

type Price = Pick<InvoiceItem, 'amount' | 'pricing' | 'quantity' | 'quantity_decimal'>;

function repriced(before: InvoiceItem, params: ItemParams): Price | undefined {
  const { amount, quantity, quantity_decimal: decimal, unit_amount_decimal: unit } = params;
  if (amount !== undefined) return priced(params, '');
  if (quantity === undefined && decimal === undefined && unit === undefined) return undefined;
  const count = quantity === undefined ? { quantity_decimal: before.quantity_decimal } : {};
  return priced(
    { unit_amount_decimal: before.pricing.unit_amount_decimal ?? '0', ...count, ...params },
    '',
  );
}

/** Either an amount in cents, or a quantity at a unit price: Stripe refuses both together. */
function priced(params: ItemParams, path: string): Price {
  const param = (name: string): string => (path === '' ? name : `${path}[${name}]`);
  const { amount, quantity, quantity_decimal: quantityDecimal } = params;
  const unit =
    params.unit_amount_decimal ??
    params.price_data?.unit_amount_decimal ??
    params.price_data?.unit_amount?.toString();
  const count = quantityDecimal ?? quantity?.toString();
  if (amount !== undefined && (count !== undefined || unit !== undefined)) {
    const other =
      quantity !== undefined
        ? 'quantity'
        : quantityDecimal !== undefined
          ? 'quantity_decimal'
          : 'unit_amount_decimal';
    throw invalid(`You may only specify one of these parameters: amount, ${other}.`, {
      param: param('amount'),
    });
  }
  if (quantity !== undefined && quantityDecimal !== undefined) {
    throw invalid('You may only specify one of these parameters: quantity, quantity_decimal.', {
      param: param('quantity'),
    });
  }
  const price = (unit_amount_decimal: string) => ({
    type: 'price_details' as const,
    unit_amount_decimal,
  });
  if (amount !== undefined)
    return { amount, pricing: price(String(amount)), quantity: 1, quantity_decimal: '1' };
  if (unit === undefined)
    throw invalid(`Missing required param: ${param('amount')}.`, {
      code: 'parameter_missing',
      param: param('amount'),
    });
  const exact = count ?? '1';
  return {
    amount: multiplyToCents(exact, unit),
    pricing: price(unit),
    quantity: Math.trunc(Number(exact)),
    quantity_decimal: exact,
  };
}

function invoiceOfDraft(call: Call, item: InvoiceItem): Invoice | null {
  if (item.invoice === null) return null;
  const invoice = call.world.get('invoice', item.invoice);
  if (invoice?.status !== 'draft')
    throw invalid('This invoice item can no longer be changed: its invoice is not a draft.');
  return invoice;
}
