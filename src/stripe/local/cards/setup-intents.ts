import { inPath, mergedMetadata, named, type Call, type MetadataParam } from '../call.ts';
import { contract } from '../contract/contract.ts';
import { emit } from '../events/emit.ts';
import type { PaymentMethod, SetupIntent } from '../state/objects.ts';
import { textOf } from '../json.ts';
import { invalid, Refusal } from '../refusal.ts';
import { attach, testCard, usableMethod } from './cards.ts';
import { declined } from './test-cards.ts';

type Create = {
  readonly customer?: string;
  readonly payment_method?: string;
  readonly confirm?: boolean;
  readonly usage?: string;
  readonly description?: string;
  readonly allowed_payment_method_types?: readonly string[];
  readonly metadata?: MetadataParam;
};

/** With `confirm` it also tries the card: succeeded and attached, `requires_action`, or a kept 402. */
export function createSetupIntent(call: Call, params: Create): SetupIntent {
  const { world } = call;
  if (params.customer !== undefined) named(call, 'customer', params.customer, 'customer');
  const method =
    params.payment_method === undefined ? null : usableMethod(call, params.payment_method);
  const id = world.newId('seti_');
  const types = params.allowed_payment_method_types ?? ['card'];
  const intent: SetupIntent = {
    ...contract().blank('setup_intent'),
    id,
    object: 'setup_intent',
    allowed_payment_method_types: types,
    client_secret: `${id}_secret_${world.newId('')}`,
    created: world.now(),
    customer: params.customer ?? null,
    description: params.description ?? null,
    livemode: false,
    metadata: mergedMetadata({}, params.metadata),
    payment_method: method?.id ?? null,
    payment_method_options: {
      card: { mandate_options: null, network: null, request_three_d_secure: 'automatic' },
    },
    payment_method_types: types,
    status: method === null ? 'requires_payment_method' : 'requires_confirmation',
    usage: params.usage ?? 'off_session',
  };
  world.put('setup_intent', intent);
  emit(call, 'setup_intent.created', intent);
  return params.confirm === true ? confirm(call, intent, method) : intent;
}

export function updateSetupIntent(call: Call, params: Create): SetupIntent {
  const before = inPath(call, 'setup_intent', 'intent');
  const method =
    params.payment_method === undefined
      ? before.payment_method
      : usableMethod(call, params.payment_method).id;
  const isWaiting = before.status === 'requires_payment_method' && method !== null;
  const after: SetupIntent = {
    ...before,
    customer: params.customer ?? before.customer,
    payment_method: method,
    status: isWaiting ? 'requires_confirmation' : before.status,
    metadata: mergedMetadata(before.metadata, params.metadata),
  };
  call.world.put('setup_intent', after);
  return after;
}

export function confirmSetupIntent(
  call: Call,
  params: { readonly payment_method?: string },
): SetupIntent {
  const intent = inPath(call, 'setup_intent', 'intent');
  const id = params.payment_method ?? intent.payment_method;
  return confirm(call, intent, id === null ? null : usableMethod(call, id));
}

export function cancelSetupIntent(
  call: Call,
  params: { readonly cancellation_reason?: string },
): SetupIntent {
  const before = inPath(call, 'setup_intent', 'intent');
  demandOpen(before, 'cancel');
  const after: SetupIntent = {
    ...before,
    status: 'canceled',
    cancellation_reason: params.cancellation_reason ?? null,
  };
  call.world.put('setup_intent', after);
  emit(call, 'setup_intent.canceled', after, before);
  return after;
}

/** Tries the card. `isPresent` means that the customer stood by and passed the bank's question. */
export function confirm(
  call: Call,
  intent: SetupIntent,
  method: PaymentMethod | null,
  isPresent = false,
): SetupIntent {
  demandOpen(intent, 'confirm');
  if (method === null) {
    throw invalid('You cannot confirm this SetupIntent because it is missing a payment method.', {
      code: 'setup_intent_unexpected_state',
    });
  }
  if (testCard(call.world, method.id).asksCustomer === true && !isPresent)
    return askCustomer(call, intent, method);
  try {
    const attached = intent.customer === null ? method : attach(call, method, intent.customer);
    const after: SetupIntent = {
      ...intent,
      status: 'succeeded',
      payment_method: attached.id,
      next_action: null,
      last_setup_error: null,
    };
    call.world.put('setup_intent', after);
    emit(call, 'setup_intent.succeeded', after);
    return after;
  } catch (error) {
    if (!(error instanceof Refusal) || error.status !== 402) throw error;
    throw failed(call, intent, method, error);
  }
}

function askCustomer(call: Call, intent: SetupIntent, method: PaymentMethod): SetupIntent {
  const url = `${call.world.url()}/local/setup_intents/${intent.id}`;
  const after: SetupIntent = {
    ...intent,
    status: 'requires_action',
    payment_method: method.id,
    next_action: { type: 'redirect_to_url', redirect_to_url: { return_url: null, url } },
  };
  call.world.put('setup_intent', after);
  emit(call, 'setup_intent.requires_action', after);
  return after;
}

/** The card's refusal as Stripe answers it from a setup intent, which remembers it. */
function failed(call: Call, intent: SetupIntent, method: PaymentMethod, refusal: Refusal): Refusal {
  const error = { ...refusal.error, payment_method: method };
  const after: SetupIntent = {
    ...intent,
    status: 'requires_payment_method',
    payment_method: null,
    last_setup_error: error,
  };
  call.world.put('setup_intent', after);
  emit(call, 'setup_intent.setup_failed', after);
  return declined(textOf(refusal.error['decline_code']), {
    payment_method: method,
    setup_intent: after,
  });
}

function demandOpen(intent: SetupIntent, verb: string): void {
  if (intent.status === 'succeeded' || intent.status === 'canceled') {
    throw invalid(
      `You cannot ${verb} this SetupIntent because it has a status of ${intent.status}.`,
      { code: 'setup_intent_unexpected_state' },
    );
  }
}
