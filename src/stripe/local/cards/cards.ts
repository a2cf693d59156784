import { inPath, mergedMetadata, named, unset, type Call, type MetadataParam } from '../call.ts';
import { contract } from '../contract/contract.ts';
import { emit } from '../events/emit.ts';
import type { JsonObject } from '../json.ts';
import type { CardInside } from '../state/inside.ts';
import type { CardFacts, PaymentMethod, Token } from '../state/objects.ts';
import { invalid, missing } from '../refusal.ts';
import type { World } from '../state/world.ts';
import { declined, testCardOf, type TestCard } from './test-cards.ts';

type Create = {
  readonly type?: string;
  readonly card?: JsonObject & { readonly token?: string };
  readonly billing_details?: JsonObject;
  readonly metadata?: MetadataParam;
};

/** Makes a payment method of a token; a token that is not one of the constant test tokens works once. */
export function createPaymentMethod(call: Call, params: Create): PaymentMethod {
  if (params.type !== 'card')
    throw invalid('The local Stripe imitates payment methods of type card only.', {
      param: 'type',
    });
  const token = params.card?.token;
  if (token === undefined) {
    throw invalid(
      'Sending card numbers to this API is unsafe, and the local Stripe takes none: send card[token].',
      { param: 'card' },
    );
  }
  return newPaymentMethod(call, spendToken(call, token), params);
}

export function updatePaymentMethod(
  call: Call,
  params: Create & { readonly card?: { readonly exp_month?: number; readonly exp_year?: number } },
): PaymentMethod {
  const before = inPath(call, 'payment_method', 'payment_method');
  const { card, billing_details: details } = params;
  const after: PaymentMethod = {
    ...before,
    card: {
      ...before.card,
      exp_month: card?.exp_month ?? before.card.exp_month,
      exp_year: card?.exp_year ?? before.card.exp_year,
    },
    billing_details: { ...before.billing_details, ...details },
    metadata: mergedMetadata(before.metadata, params.metadata),
  };
  call.world.put('payment_method', after);
  emit(call, 'payment_method.updated', after, before);
  return after;
}

export function attachPaymentMethod(
  call: Call,
  params: { readonly customer?: string },
): PaymentMethod {
  const method = usableMethod(call, call.path['payment_method'] ?? '', 404);
  if (params.customer === undefined)
    throw invalid('Missing required param: customer.', {
      code: 'parameter_missing',
      param: 'customer',
    });
  return attach(call, method, params.customer);
}

/** Ends the tie to the customer, for good: a detached card cannot come back. */
export function detachPaymentMethod(call: Call): PaymentMethod {
  const before = inPath(call, 'payment_method', 'payment_method');
  const { world } = call;
  if (before.customer === null) {
    throw invalid(
      'The payment method you provided is not attached to a customer so detachment is impossible.',
    );
  }
  const after: PaymentMethod = { ...before, customer: null };
  world.put('payment_method', after);
  world.put('local.card', { ...inside(world, before.id), isDetached: true });
  const customer = world.get('customer', before.customer);
  if (customer?.invoice_settings.default_payment_method === before.id) {
    world.put('customer', {
      ...customer,
      invoice_settings: { ...customer.invoice_settings, default_payment_method: null },
    });
  }
  emit(call, 'payment_method.detached', after, before);
  return after;
}

/** A payment method by id, or a new one of a `pm_card_` name; refused when it was detached. */
export function usableMethod(call: Call, id: string, status: 400 | 404 = 400): PaymentMethod {
  const card = id.startsWith('pm_card_') ? id.slice('pm_card_'.length) : undefined;
  if (card !== undefined && testCardOf(card) !== undefined) return newPaymentMethod(call, card, {});
  const method = call.world.get('payment_method', id);
  if (method === undefined) throw missing('PaymentMethod', id, 'payment_method', status);
  if (inside(call.world, id).isDetached) {
    throw invalid(
      'This PaymentMethod was previously used without being attached to a Customer or was detached from a Customer, and may not be used again.',
    );
  }
  return method;
}

/** Ties a card to a customer; repeating it changes nothing, another customer's card is refused, some cards decline. */
export function attach(call: Call, method: PaymentMethod, customerId: string): PaymentMethod {
  const customer = named(call, 'customer', customerId, 'customer');
  if (customer.deleted === true) throw missing('customer', customerId, 'customer', 400);
  if (method.customer === customerId) return method;
  if (method.customer !== null) {
    throw invalid('The payment method you provided has already been attached to a customer.');
  }
  const { attach: decline } = testCard(call.world, method.id);
  if (decline !== null) throw declined(decline, {});
  const after: PaymentMethod = { ...method, customer: customerId };
  call.world.put('payment_method', after);
  emit(call, 'payment_method.attached', after);
  return after;
}

export function testCard(
  world: World,
  methodId: string,
): TestCard & { readonly charges: string | null } {
  const { card, charges } = inside(world, methodId);
  return {
    ...(testCardOf(card) ?? { brand: 'visa', last4: '4242', attach: null, charge: null }),
    charges,
  };
}

/** `POST /v1/tokens`: Stripe answers raw numbers with a refusal too, unless an account asked to send them. */
export function createToken(call: Call, params: { readonly card?: JsonObject | string }): Token {
  if (typeof params.card !== 'string') {
    throw invalid(
      'Sending card numbers to this API is unsafe, and the local Stripe takes none: use the test tokens.',
      { param: 'card' },
    );
  }
  return mintToken(call, params.card);
}

/** A token as a browser would have made it: it works once. `testToken` is a constant one such as `tok_visa`. */
export function mintToken(call: Call, testToken: string): Token {
  const name = testToken.replace(/^tok_/, '');
  const card = testCardOf(name);
  if (card === undefined) throw missing('token', testToken, 'card', 400);
  const { world } = call;
  const token: Token = {
    ...contract().blank('token'),
    id: world.newId('tok_'),
    object: 'token',
    card: {
      ...contract().blank('card'),
      id: world.newId('card_'),
      object: 'card',
      ...facts(world, card),
      country: 'US',
      funding: 'credit',
      metadata: {},
    },
    created: world.now(),
    livemode: false,
    type: 'card',
    used: false,
  };
  world.put('token', token);
  world.put('local.card', { id: token.id, card: name, isDetached: false, charges: null });
  return token;
}

function spendToken(call: Call, id: string): string {
  const name = id.replace(/^tok_/, '');
  if (testCardOf(name) !== undefined) return name;
  const token = call.world.get('token', id);
  if (token === undefined) throw missing('token', id, 'card[token]', 400);
  if (token.used) {
    throw invalid(`You cannot use a Stripe token more than once: ${id}.`, {
      code: 'token_already_used',
      param: 'card[token]',
    });
  }
  call.world.put('token', { ...token, used: true });
  return inside(call.world, id).card;
}

function newPaymentMethod(call: Call, cardName: string, params: Create): PaymentMethod {
  const { world } = call;
  const card = testCardOf(cardName);
  if (card === undefined) throw missing('token', `tok_${cardName}`, 'card[token]', 400);
  const details = {
    address: null,
    email: null,
    name: null,
    phone: null,
    tax_id: null,
    ...params.billing_details,
  };
  const method: PaymentMethod = {
    ...contract().blank('payment_method'),
    id: world.newId('pm_'),
    object: 'payment_method',
    allow_redisplay: 'unspecified',
    billing_details: Object.fromEntries(
      Object.entries(details).map(([name, value]) => [name, unset(value, null)]),
    ),
    card: {
      ...facts(world, card),
      checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: 'pass' },
      country: 'US',
      display_brand: card.brand,
      funding: 'credit',
      generated_from: null,
      networks: { available: [card.brand], preferred: null },
      regulated_status: 'unregulated',
      three_d_secure_usage: { supported: true },
      wallet: null,
    },
    created: world.now(),
    customer: null,
    livemode: false,
    metadata: mergedMetadata({}, params.metadata),
    type: 'card',
  };
  world.put('payment_method', method);
  world.put('local.card', { id: method.id, card: cardName, isDetached: false, charges: null });
  return method;
}

function facts(world: World, card: TestCard): CardFacts {
  const exp_year = new Date(world.nowMs()).getUTCFullYear() + 4;
  return {
    brand: card.brand,
    last4: card.last4,
    exp_month: 12,
    exp_year,
    fingerprint: `local${card.brand}${card.last4}`,
  };
}

function inside(world: World, id: string): CardInside {
  return world.get('local.card', id) ?? { id, card: 'visa', isDetached: false, charges: null };
}
