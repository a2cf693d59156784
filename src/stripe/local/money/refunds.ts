import { byStripe, inPath, mergedMetadata, named, type Call, type MetadataParam } from '../call.ts';
import { contract } from '../contract/contract.ts';
import { emit } from '../events/emit.ts';
import type { Charge, Refund } from '../state/objects.ts';
import { invalid } from '../refusal.ts';
import type { World } from '../state/world.ts';
import { testCard } from '../cards/cards.ts';
import { enterMoney } from './charges.ts';

/** How long after its creation a refund of the test cards `refundFail` and `pendingRefund` changes. */
const LATER_SECONDS = 3600;

type Create = {
  readonly charge?: string;
  readonly payment_intent?: string;
  readonly amount?: number;
  readonly reason?: string;
  readonly metadata?: MetadataParam;
};

/** Gives back all that is left of a charge, or `amount` cents of it. */
export function createRefund(call: Call, params: Create): Refund {
  const { world } = call;
  const charge = refundable(call, params);
  const amount = params.amount ?? charge.amount - charge.amount_refunded;
  demandLeft(charge, amount, isBlocked(world, charge));
  const { later } = testCard(world, charge.payment_method);
  const id = world.newId('re_');
  const refund: Refund = {
    ...contract().blank('refund'),
    id,
    object: 'refund',
    amount,
    balance_transaction: enterMoney(call, {
      type: 'refund',
      amount: -amount,
      currency: charge.currency,
      source: id,
    }).id,
    charge: charge.id,
    created: world.now(),
    currency: charge.currency,
    customer: charge.customer,
    destination_details: {
      card: {
        reference_status: 'pending',
        reference_type: 'acquirer_reference_number',
        type: 'refund',
      },
      type: 'card',
    },
    metadata: mergedMetadata({}, params.metadata),
    payment_intent: charge.payment_intent,
    payment_method: charge.payment_method,
    reason: params.reason ?? null,
    status: later === 'refund_pending' ? 'pending' : 'succeeded',
  };
  world.put('refund', refund);
  if (later === 'refund_pending' || later === 'refund_fails') {
    world.put('local.refund', { id, changesAt: world.now() + LATER_SECONDS });
  }
  const after = refundedBy(charge, amount);
  world.put('charge', after);
  emit(call, 'refund.created', refund);
  emit(call, 'charge.refunded', after, charge);
  return refund;
}

export function updateRefund(call: Call, params: { readonly metadata?: MetadataParam }): Refund {
  const before = inPath(call, 'refund', 'refund');
  const after: Refund = { ...before, metadata: mergedMetadata(before.metadata, params.metadata) };
  call.world.put('refund', after);
  emit(call, 'refund.updated', after, before);
  return after;
}

export function cancelRefund(call: Call): Refund {
  const refund = inPath(call, 'refund', 'refund');
  throw invalid(`You can only cancel a refund that requires action; this one is ${refund.status}.`);
}

/** The bank sends the money back: it is ours again, and the charge counts as not refunded. */
export function failRefund(call: Call, refund: Refund): Refund {
  const { world } = call;
  const charge = named(call, 'charge', refund.charge, 'charge');
  const { id, amount, currency } = refund;
  const returned = enterMoney(call, { type: 'refund_failure', amount, currency, source: id });
  const after: Refund = {
    ...refund,
    status: 'failed',
    failure_reason: 'unknown',
    failure_balance_transaction: returned.id,
  };
  world.put('refund', after);
  world.put('charge', refundedBy(charge, -amount));
  emit(call, 'refund.updated', after, refund);
  emit(call, 'refund.failed', after);
  return after;
}

/** Stripe's own doing for the two test cards whose refunds change later. */
export function advanceRefunds(world: World): void {
  const call = byStripe(world);
  for (const { id } of world.all('local.refund').filter((row) => row.changesAt <= world.now())) {
    world.remove('local.refund', id);
    const refund = named(call, 'refund', id, 'refund');
    if (refund.status === 'succeeded') failRefund(call, refund);
    if (refund.status !== 'pending') continue;
    const after: Refund = { ...refund, status: 'succeeded' };
    world.put('refund', after);
    emit(call, 'refund.updated', after, refund);
  }
}

export function refundsDueAt(world: World): readonly number[] {
  return world.all('local.refund').map(({ changesAt }) => changesAt);
}

function refundable(call: Call, params: Create): Charge {
  if (params.charge !== undefined) return named(call, 'charge', params.charge, 'charge');
  if (params.payment_intent === undefined) {
    throw invalid(
      'One of the following params should be provided for this request: payment_intent or charge.',
    );
  }
  const intent = named(call, 'payment_intent', params.payment_intent, 'payment_intent');
  const charge =
    intent.latest_charge === null ? undefined : call.world.get('charge', intent.latest_charge);
  if (charge?.status !== 'succeeded') {
    throw invalid(
      `This PaymentIntent (${intent.id}) does not have a successful charge to refund.`,
      { code: 'payment_intent_unexpected_state', param: 'payment_intent' },
    );
  }
  return charge;
}

/** Refuses what Stripe refuses, in its order: a dispute, nothing left, too much. */
function demandLeft(charge: Charge, amount: number, isBlockedByDispute: boolean): void {
  const left = charge.amount - charge.amount_refunded;
  if (charge.status !== 'succeeded')
    throw invalid(`Charge ${charge.id} has failed and cannot be refunded.`, { param: 'charge' });
  if (isBlockedByDispute)
    throw invalid(`Charge ${charge.id} has been charged back; cannot issue a refund.`, {
      code: 'charge_disputed',
    });
  if (charge.refunded)
    throw invalid(`Charge ${charge.id} has already been refunded.`, {
      code: 'charge_already_refunded',
    });
  if (amount <= 0)
    throw invalid('This value must be greater than or equal to 1.', {
      code: 'parameter_invalid_integer',
      param: 'amount',
    });
  if (amount > left) {
    throw invalid(
      `Refund amount (${dollars(amount)}) is greater than unrefunded amount on charge (${dollars(left)})`,
      { param: 'amount' },
    );
  }
}

function isBlocked(world: World, charge: Charge): boolean {
  return (
    charge.disputed &&
    world
      .all('dispute')
      .some((dispute) => dispute.charge === charge.id && !dispute.is_charge_refundable)
  );
}

function refundedBy(charge: Charge, amount: number): Charge {
  const total = charge.amount_refunded + amount;
  return { ...charge, amount_refunded: total, refunded: total === charge.amount };
}

export function dollars(cents: number): string {
  return `$${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`;
}
