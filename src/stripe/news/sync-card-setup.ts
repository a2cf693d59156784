import { findSetup, refuseSetup } from '../cards/card-setup-store.ts';
import { useCard } from '../cards/use-card.ts';
import { withLease } from '../lease.ts';
import { checkoutObject, setupIntentObject } from '../objects.ts';
import type { StripeContext } from '../operation.ts';
import { readObject } from '../read.ts';
import type { NewsOutcome } from './process-stripe-events.ts';

/** A Checkout page was finished, or nobody finished it in time. */
export async function finishCheckout(
  context: StripeContext,
  sessionId: string,
): Promise<NewsOutcome> {
  const path = `/v1/checkout/sessions/${sessionId}`;
  const session = await readObject(context.gateway, checkoutObject, path);
  if (session === undefined) return 'foreign';
  if (session.setup_intent !== null && session.status === 'complete') {
    return await finishSetupIntent(context, session.setup_intent);
  }
  const setup = await setupOf(context, session.metadata);
  if (setup === undefined) return 'foreign';
  if (session.status !== 'expired') return 'unchanged';
  await refuseSetup(context.db, setup, context.clock(), 'nobody entered a card on the page');
  return 'expired';
}

/** The bank has agreed to a card, perhaps after asking the customer: it becomes the one in use. */
export async function finishSetupIntent(
  context: StripeContext,
  setupIntentId: string,
): Promise<NewsOutcome> {
  const path = `/v1/setup_intents/${setupIntentId}`;
  const intent = await readObject(context.gateway, setupIntentObject, path);
  if (intent === undefined) return 'foreign';
  const setup = await setupOf(context, intent.metadata);
  if (setup === undefined) return 'foreign';
  if (intent.status !== 'succeeded' || intent.payment_method === null) return 'unchanged';
  if (setup.state !== 'started') return 'settled';
  const paymentMethodId = intent.payment_method;
  const used = await withLease(context, setup.account_id, async (lease) => {
    return await useCard(context, lease, setup, paymentMethodId);
  });
  if (used === 'busy') return { again: 'another process works on the account' };
  return used.outcome === 'later' ? { again: used.reason } : `card ${used.outcome}`;
}

async function setupOf({ db }: StripeContext, metadata: Readonly<Record<string, string>>) {
  const { gm_account: accountId, gm_card_setup: cardSetupId } = metadata;
  if (accountId === undefined || cardSetupId === undefined) return undefined;
  return await findSetup(db, accountId, cardSetupId);
}
