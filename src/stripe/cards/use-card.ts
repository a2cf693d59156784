import { assert } from '../../values/fault.ts';
import type { Db } from '../../database/pool.ts';
import { findCustomer } from '../customer.ts';
import type { Lease } from '../lease.ts';
import { customerObject, paymentMethodObject, type StripePaymentMethod } from '../objects.ts';
import type { Outcome, StripeContext } from '../operation.ts';
import { runOperation } from '../run-operation.ts';
import { readObject } from '../read.ts';
import { refusalOf } from '../refusal.ts';
import { refuseSetup, updateSetup, type SetupRow } from './card-setup-store.ts';

/**
 * Makes a card that is attached to the account's customer the one it is charged with: at Stripe, here,
 * and at once for open invoices (R37). Then lets go of the card before it. Safe to repeat.
 */
export async function useCard(
  context: StripeContext,
  lease: Lease,
  setup: SetupRow,
  paymentMethodId: string,
): Promise<Outcome<unknown>> {
  const path = `/v1/payment_methods/${paymentMethodId}`;
  const card = await readObject(context.gateway, paymentMethodObject, path);
  const customer = await findCustomer(context.db, lease.accountId);
  const customerId = customer?.stripe_customer_id ?? null;
  assert(customerId !== null, `account ${lease.accountId} has a Stripe customer`);
  if (card === undefined) return await refuse(context, setup, 'Stripe does not know this card.');
  const before = customer?.payment_method_id ?? null;
  const outcome = await runOperation(context, lease, {
    accountId: lease.accountId,
    subject: setup.card_setup_id,
    step: 'default_card',
    plan: async () => ({
      method: 'POST',
      path: `/v1/customers/${customerId}`,
      params: { invoice_settings: { default_payment_method: paymentMethodId } },
    }),
    parse: (body) => customerObject.safeParse(body).data,
    // Setting the same default again changes nothing.
    look: async () => 'absent',
    save: async (tx) => await saveCard(tx, context.clock(), setup, card),
    refuse: async (tx, { message }) => await refuseSetup(tx, setup, context.clock(), message),
  });
  if (outcome.outcome === 'done' && before !== null && before !== paymentMethodId) {
    await letGo(context, lease, setup, before);
  }
  return outcome;
}

async function saveCard(
  tx: Db,
  now: Date,
  setup: SetupRow,
  method: StripePaymentMethod,
): Promise<void> {
  await tx
    .updateTable('stripe_customer')
    .set({ ...cardColumns(method), card_setup_id: setup.card_setup_id, updated_at: now })
    .where('account_id', '=', setup.account_id)
    .execute();
  await updateSetup(tx, setup)
    .set({ state: 'done', ended_at: now, payment_method_id: method.id })
    .execute();
  await tx
    .updateTable('invoice')
    .set({ next_attempt_at: now })
    .where('account_id', '=', setup.account_id)
    .where('state', '=', 'open')
    .execute();
}

/** Brand, last four digits, expiry: nothing else of a card is ever kept (R36). */
export function cardColumns({ id, card }: StripePaymentMethod) {
  return {
    payment_method_id: id,
    brand: card?.brand ?? null,
    last4: card?.last4 ?? null,
    exp_month: card?.exp_month ?? null,
    exp_year: card?.exp_year ?? null,
    fingerprint: card?.fingerprint ?? null,
  };
}

/** An old card that stays attached does no harm, so nothing hangs on this call. */
async function letGo(
  context: StripeContext,
  lease: Lease,
  setup: SetupRow,
  paymentMethodId: string,
): Promise<void> {
  await runOperation(context, lease, {
    accountId: lease.accountId,
    subject: setup.card_setup_id,
    step: 'detach',
    plan: async () => ({
      method: 'POST',
      path: `/v1/payment_methods/${paymentMethodId}/detach`,
      params: {},
    }),
    parse: (body) => paymentMethodObject.safeParse(body).data,
    look: async () => 'absent',
    save: async () => {},
    refuse: async () => {},
  });
}

async function refuse(
  { db, clock }: StripeContext,
  setup: SetupRow,
  message: string,
): Promise<Outcome<never>> {
  await refuseSetup(db, setup, clock(), message);
  return { outcome: 'refused', refusal: refusalOf('resource_missing', message, 404) };
}
