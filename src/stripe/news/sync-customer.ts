import { cardColumns } from '../cards/use-card.ts';
import { customerObject, paymentMethodObject } from '../objects.ts';
import type { StripeContext } from '../operation.ts';
import { readObject } from '../read.ts';
import type { NewsOutcome } from './event-store.ts';

const NO_CARD = {
  payment_method_id: null,
  brand: null,
  last4: null,
  exp_month: null,
  exp_year: null,
  fingerprint: null,
  card_setup_id: null,
};

/** A customer deleted at Stripe is gone for good: the next card makes a new one. */
export async function syncCustomer(
  { db, gateway, clock }: StripeContext,
  customerId: string,
): Promise<NewsOutcome> {
  const seen = await readObject(gateway, customerObject, `/v1/customers/${customerId}`);
  if (seen !== undefined && seen.deleted !== true) return 'unchanged';
  return await db.transaction().execute(async (tx) => {
    const now = clock();
    const owner = await tx
      .updateTable('stripe_customer')
      .set((column) => ({
        generation: column('generation', '+', 1),
        stripe_customer_id: null,
        ...NO_CARD,
        updated_at: now,
      }))
      .where('stripe_customer_id', '=', customerId)
      .returning('account_id')
      .executeTakeFirst();
    if (owner === undefined) return 'foreign';
    await tx
      .updateTable('invoice')
      .set({
        state: 'needs_operator',
        state_reason: 'its customer was deleted at Stripe',
        next_attempt_at: null,
      })
      .where('account_id', '=', owner.account_id)
      .where('stripe_invoice_id', 'is not', null)
      .where('state', 'not in', ['paid', 'void', 'settled'])
      .execute();
    return 'deleted';
  });
}

/** Refreshes what we show of the card in use; one that was detached can be charged no more. */
export async function syncPaymentMethod(
  { db, gateway, clock }: StripeContext,
  paymentMethodId: string,
): Promise<NewsOutcome> {
  const path = `/v1/payment_methods/${paymentMethodId}`;
  const seen = await readObject(gateway, paymentMethodObject, path);
  const isGone = seen === undefined || seen.customer === null;
  const owner = await db
    .updateTable('stripe_customer')
    .set({ ...(isGone ? NO_CARD : cardColumns(seen)), updated_at: clock() })
    .where('payment_method_id', '=', paymentMethodId)
    .returning('account_id')
    .executeTakeFirst();
  if (owner === undefined) return 'foreign';
  return isGone ? 'card gone' : 'card refreshed';
}
