import { inPath, mergedMetadata, unset, type Call, type MetadataParam } from '../call.ts';
import { contract } from '../contract/contract.ts';
import { emit } from '../events/emit.ts';
import type { Json, JsonObject } from '../json.ts';
import type { BalanceEntry, Customer } from '../state/objects.ts';
import { invalid, missing, notImitated } from '../refusal.ts';
import { attach, usableMethod } from '../cards/cards.ts';
import { demandTestClock } from './time.ts';

type Write = {
  readonly name?: string;
  readonly email?: string;
  readonly phone?: string;
  readonly description?: string;
  readonly address?: JsonObject | '';
  readonly shipping?: JsonObject | '';
  readonly tax_exempt?: string;
  readonly preferred_locales?: readonly string[];
  readonly balance?: number;
  readonly invoice_prefix?: string;
  readonly next_invoice_sequence?: number;
  readonly invoice_settings?: JsonObject & {
    readonly default_payment_method?: string;
    readonly footer?: string;
  };
  readonly metadata?: MetadataParam;
};
type Create = Write & { readonly payment_method?: string; readonly test_clock?: string };

export function createCustomer(call: Call, params: Create): Customer {
  const { world } = call;
  const id = world.newId('cus_');
  const blank: Customer = {
    ...contract().blank('customer'),
    id,
    object: 'customer',
    address: null,
    balance: 0,
    created: world.now(),
    currency: null,
    default_source: null,
    delinquent: false,
    description: null,
    email: null,
    invoice_prefix: id.slice(-8).toUpperCase(),
    invoice_settings: {
      custom_fields: null,
      default_payment_method: null,
      footer: null,
      rendering_options: null,
    },
    livemode: false,
    metadata: {},
    name: null,
    next_invoice_sequence: 1,
    phone: null,
    preferred_locales: [],
    shipping: null,
    tax_exempt: 'none',
    test_clock: demandTestClock(call, params.test_clock),
  };
  world.put('customer', blank);
  const method = params.payment_method;
  if (method !== undefined) attach(call, usableMethod(call, method), id);
  const customer = written(call, blank, params);
  world.put('customer', customer);
  const started = enterBalance(call, customer, params.balance ?? 0, 'initial');
  emit(call, 'customer.created', started);
  return started;
}

export function updateCustomer(call: Call, params: Write): Customer {
  const before = livingCustomer(call);
  const customer = written(call, before, params);
  call.world.put('customer', customer);
  const after = enterBalance(
    call,
    customer,
    (params.balance ?? before.balance) - before.balance,
    'adjustment',
  );
  emit(call, 'customer.updated', after, before);
  return after;
}

export function deleteCustomer(call: Call): Customer {
  return bury(call, livingCustomer(call));
}

/** The row stays, marked deleted, so that ids which still point to it find a stub; its cards are gone. */
export function bury(call: Call, customer: Customer): Customer {
  const { world } = call;
  for (const method of world.all('payment_method').filter((row) => row.customer === customer.id)) {
    world.put('payment_method', { ...method, customer: null });
    const inside = world.get('local.card', method.id);
    if (inside !== undefined) world.put('local.card', { ...inside, isDetached: true });
  }
  const stub: Customer = { ...customer, deleted: true };
  world.put('customer', stub);
  emit(call, 'customer.deleted', customer);
  return stub;
}

export function retrieveCustomersMethod(call: Call): JsonObject {
  const method = inPath(call, 'payment_method', 'payment_method');
  if (method.customer !== inPath(call, 'customer', 'customer').id)
    throw missing('PaymentMethod', method.id, 'payment_method', 404);
  return method;
}

export function createBalanceEntry(
  call: Call,
  params: {
    readonly amount: number;
    readonly description?: string;
    readonly metadata?: MetadataParam;
  },
): BalanceEntry {
  const customer = livingCustomer(call);
  enterBalance(call, customer, params.amount, 'adjustment', {
    description: params.description ?? null,
    metadata: mergedMetadata({}, params.metadata),
  });
  const entry = call.world.all('customer_balance_transaction').at(-1);
  if (entry === undefined) throw invalid('The amount must not be zero.', { param: 'amount' });
  return entry;
}

export function updateBalanceEntry(
  call: Call,
  params: { readonly description?: string; readonly metadata?: MetadataParam },
): BalanceEntry {
  const before = inPath(call, 'customer_balance_transaction', 'transaction');
  const after: BalanceEntry = {
    ...before,
    metadata: mergedMetadata(before.metadata, params.metadata),
    description: unset(params.description, before.description),
  };
  call.world.put('customer_balance_transaction', after);
  return after;
}

/** Adds to what the customer owes (negative: to its credit), with its balance transaction; nothing for zero. */
export function enterBalance(
  call: Call,
  customer: Customer,
  amount: number,
  type: string,
  more: JsonObject = {},
): Customer {
  if (amount === 0) return customer;
  const { world } = call;
  const after: Customer = { ...customer, balance: customer.balance + amount };
  world.put('customer', after);
  world.put('customer_balance_transaction', {
    ...contract().blank('customer_balance_transaction'),
    id: world.newId('cbtxn_'),
    object: 'customer_balance_transaction',
    amount,
    created: world.now(),
    currency: customer.currency ?? 'usd',
    customer: customer.id,
    ending_balance: after.balance,
    description: null,
    livemode: false,
    metadata: {},
    type,
    ...more,
  });
  return after;
}

function livingCustomer(call: Call): Customer {
  const customer = inPath(call, 'customer', 'customer');
  if (customer.deleted === true) throw missing('customer', customer.id, 'id', 404);
  return customer;
}

function written(call: Call, before: Customer, params: Write): Customer {
  const settings = params.invoice_settings;
  const unknown = Object.keys(settings ?? {}).find(
    (name) => name !== 'default_payment_method' && name !== 'footer',
  );
  if (unknown !== undefined) throw notImitated(`invoice_settings[${unknown}]`);
  const chosen = settings?.default_payment_method;
  if (chosen !== undefined && chosen !== '') demandOwned(call, before.id, chosen);
  return {
    ...before,
    name: unset(params.name, before.name),
    email: unset(params.email, before.email),
    phone: unset(params.phone, before.phone),
    description: unset(params.description, before.description),
    address: params.address === undefined ? before.address : fullAddress(params.address),
    shipping:
      params.shipping === undefined
        ? before.shipping
        : params.shipping === ''
          ? null
          : params.shipping,
    tax_exempt: params.tax_exempt === '' ? 'none' : (params.tax_exempt ?? before.tax_exempt),
    preferred_locales: params.preferred_locales ?? before['preferred_locales'],
    invoice_prefix: params.invoice_prefix ?? before.invoice_prefix,
    next_invoice_sequence: params.next_invoice_sequence ?? before.next_invoice_sequence,
    invoice_settings: {
      ...before.invoice_settings,
      footer: unset(settings?.footer, before.invoice_settings.footer),
      default_payment_method: unset(chosen, before.invoice_settings.default_payment_method),
    },
    metadata: mergedMetadata(before.metadata, params.metadata),
  };
}

function demandOwned(call: Call, customerId: string, methodId: string): void {
  const method = usableMethod(call, methodId);
  if (method.customer !== customerId) {
    throw invalid(
      `The customer does not have a payment method with the ID ${methodId}. The payment method must be attached to the customer.`,
      {
        code: 'resource_missing',
        param: 'invoice_settings[default_payment_method]',
      },
    );
  }
}

function fullAddress(address: JsonObject | ''): JsonObject | null {
  if (address === '') return null;
  const names = ['city', 'country', 'line1', 'line2', 'postal_code', 'state'];
  return Object.fromEntries(names.map((name): [string, Json] => [name, address[name] || null]));
}
