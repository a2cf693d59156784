import { inPath, mergedMetadata, named, type Call, type MetadataParam } from '../call.ts';
import { contract } from '../contract/contract.ts';
import { emit } from '../events/emit.ts';
import type { CheckoutSession } from '../state/objects.ts';
import { invalid } from '../refusal.ts';
import { createPaymentMethod } from './cards.ts';
import { confirm, createSetupIntent } from './setup-intents.ts';

const LIFE_SECONDS = 24 * 3600;

type Create = {
  readonly mode?: string;
  readonly customer?: string;
  readonly currency?: string;
  readonly allowed_payment_method_types?: readonly string[];
  readonly success_url?: string;
  readonly cancel_url?: string;
  readonly client_reference_id?: string;
  readonly expires_at?: number;
  readonly metadata?: MetadataParam;
};

/** A page where the customer leaves a card; only `mode: setup` is imitated. It expires after a day. */
export function createSession(call: Call, params: Create): CheckoutSession {
  const { world } = call;
  if (params.mode !== 'setup')
    throw invalid('The local Stripe imitates Checkout in setup mode only.', { param: 'mode' });
  if (params.currency === undefined && params.allowed_payment_method_types === undefined) {
    throw invalid('Missing required param: currency.', {
      code: 'parameter_missing',
      param: 'currency',
    });
  }
  if (params.success_url === undefined)
    throw invalid('Missing required param: success_url.', {
      code: 'parameter_missing',
      param: 'success_url',
    });
  const customer =
    params.customer === undefined ? null : named(call, 'customer', params.customer, 'customer');
  const intent = createSetupIntent(call, {
    ...(customer === null ? {} : { customer: customer.id }),
    usage: 'off_session',
  });
  const id = world.newId('cs_test_');
  const session: CheckoutSession = {
    ...contract().blank('checkout.session'),
    id,
    object: 'checkout.session',
    automatic_tax: { enabled: false, liability: null, provider: null, status: null },
    cancel_url: params.cancel_url ?? null,
    client_reference_id: params.client_reference_id ?? null,
    created: world.now(),
    currency: params.currency ?? null,
    custom_text: {
      after_submit: null,
      shipping_address: null,
      submit: null,
      terms_of_service_acceptance: null,
    },
    customer: customer?.id ?? null,
    expires_at: params.expires_at ?? world.now() + LIFE_SECONDS,
    livemode: false,
    metadata: mergedMetadata({}, params.metadata),
    mode: 'setup',
    payment_method_types: params.allowed_payment_method_types ?? ['card'],
    payment_status: 'no_payment_required',
    setup_intent: intent.id,
    status: 'open',
    success_url: params.success_url,
    ui_mode: 'hosted_page',
    url: `${world.url()}/local/checkout/${id}`,
  };
  world.put('checkout.session', session);
  return session;
}

export function expireSession(call: Call): CheckoutSession {
  return expire(call, inPath(call, 'checkout.session', 'session'));
}

export function expire(call: Call, session: CheckoutSession): CheckoutSession {
  demandOpen(session);
  const after: CheckoutSession = { ...session, status: 'expired', url: null };
  call.world.put('checkout.session', after);
  emit(call, 'checkout.session.expired', after);
  return after;
}

/** What the customer does on the page: gives a card (here a test token) and passes any question of the bank. */
export function completeSession(call: Call, sessionId: string, testToken: string): CheckoutSession {
  const session = named(call, 'checkout.session', sessionId, 'session');
  demandOpen(session);
  const method = createPaymentMethod(call, { type: 'card', card: { token: testToken } });
  confirm(call, named(call, 'setup_intent', session.setup_intent, 'setup_intent'), method, true);
  const after: CheckoutSession = { ...session, status: 'complete', url: null };
  call.world.put('checkout.session', after);
  emit(call, 'checkout.session.completed', after);
  return after;
}

function demandOpen(session: CheckoutSession): void {
  if (session.status !== 'open') {
    throw invalid(
      `Only Checkout Sessions with a status in ["open"] can be used. This Checkout Session has a status of \`${session.status}\`.`,
    );
  }
}
