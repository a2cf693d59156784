import type { z } from 'zod';
import type { Lease } from '../lease.ts';
import { paymentMethodObject, setupIntentObject } from '../objects.ts';
import type { Look, Outcome, StripeContext } from '../operation.ts';
import { runOperation } from '../run-operation.ts';
import { readList } from '../read.ts';
import { refusalOf } from '../refusal.ts';
import { refuseSetup, type SetupRow } from './card-setup-store.ts';

/** Turns a token into a payment method. */
export async function makeMethod(
  context: StripeContext,
  lease: Lease,
  setup: SetupRow,
  token: string,
): Promise<Outcome<{ id: string }>> {
  return await runOperation<{ id: string }>(context, lease, {
    accountId: lease.accountId,
    subject: setup.card_setup_id,
    step: 'card',
    plan: async () => ({
      method: 'POST',
      path: '/v1/payment_methods',
      params: { type: 'card', card: { token } },
    }),
    parse: (body) => paymentMethodObject.pick({ id: true }).safeParse(body).data,
    // A card that was made from a token a day ago cannot be found again.
    look: async () => ({ refused: FORGOTTEN }),
    save: async () => {},
    refuse: async (tx, { message }) => await refuseSetup(tx, setup, context.clock(), message),
  });
}

type SetupIntent = z.infer<typeof setupIntentObject>;

/** Attaches a card by a setup intent, which asks the bank for leave to charge without the customer. */
export async function attachCard(
  context: StripeContext,
  lease: Lease,
  setup: SetupRow,
  card: { readonly customerId: string; readonly paymentMethodId: string },
): Promise<Outcome<SetupIntent>> {
  const { gateway, clock } = context;
  const names = { customer: card.customerId, payment_method: card.paymentMethodId };
  const outcome = await runOperation<SetupIntent>(context, lease, {
    accountId: lease.accountId,
    subject: setup.card_setup_id,
    step: 'attach',
    plan: async () => ({
      method: 'POST',
      path: '/v1/setup_intents',
      params: {
        ...names,
        confirm: true,
        usage: 'off_session',
        allowed_payment_method_types: ['card'],
        metadata: { gm_account: lease.accountId, gm_card_setup: setup.card_setup_id },
      },
    }),
    parse: (body) => setupIntentObject.safeParse(body).data,
    look: async (): Promise<Look<SetupIntent>> => {
      for await (const intent of readList(gateway, setupIntentObject, '/v1/setup_intents', names)) {
        if (intent.metadata['gm_card_setup'] === setup.card_setup_id) return { found: intent };
      }
      return 'absent';
    },
    save: async (tx, { status }) => {
      if (status !== 'succeeded') await refuseSetup(tx, setup, clock(), NEEDS_CUSTOMER.message);
    },
    refuse: async (tx, { message }) => await refuseSetup(tx, setup, clock(), message),
  });
  const isUnfinished = outcome.outcome === 'done' && outcome.result.status !== 'succeeded';
  return isUnfinished ? { outcome: 'refused', refusal: NEEDS_CUSTOMER } : outcome;
}

export const NEEDS_CUSTOMER = refusalOf(
  'authentication_required',
  'the bank wants to ask the customer before it lets this card be charged: set it through a Checkout link',
);

const FORGOTTEN = refusalOf(
  'token_expired',
  'this card was entered too long ago: please enter it again',
);
