import type { z } from 'zod';
import { findSetup, isOutdated, refuseSetup, type SetupRow } from '../cards/card-setup-store.ts';
import { useCard } from '../cards/use-card.ts';
import { withLease } from '../lease.ts';
import { checkoutObject, setupIntentObject } from '../objects.ts';
import type { StripeContext } from '../operation.ts';
import { readObject } from '../read.ts';
import type { NewsOutcome, StoredEvent } from './event-store.ts';

/** A Checkout page was finished, or nobody finished it in time. */
export async function finishCheckout(
  context: StripeContext,
  sessionId: string,
): Promise<NewsOutcome> {
  const path = `/v1/checkout/sessions/${sessionId}`;
  const session = await readObject(context.gateway, checkoutObject, path);
  const setup = await setupOf(context, session?.metadata ?? {});
  if (session === undefined || setup === undefined) return 'foreign';
  if (session.status === 'expired') {
    await refuseSetup(context.db, setup, context.clock(), 'nobody entered a card on the page');
    return 'expired';
  }
  if (session.setup_intent === null) return 'unchanged';
  return await finishSetup(context, setup, await readIntent(context, session.setup_intent));
}

/** The bank has agreed to a card, perhaps after asking the customer: it becomes the one in use. */
export async function finishSetupIntent(
  context: StripeContext,
  setupIntentId: string,
  event: StoredEvent,
): Promise<NewsOutcome> {
  const setup = await setupOf(context, event.subject.metadata);
  if (setup === undefined) return 'foreign';
  // Mostly our own call has long done the rest.
  if (setup.state !== 'started') return 'settled';
  if (await isOutdated(context.db, setup)) {
    await refuseSetup(context.db, setup, context.clock(), 'another card was set meanwhile');
    return 'outdated';
  }
  return await finishSetup(context, setup, await readIntent(context, setupIntentId));
}

type SetupIntent = z.infer<typeof setupIntentObject>;

async function finishSetup(
  context: StripeContext,
  setup: SetupRow,
  intent: SetupIntent | undefined,
): Promise<NewsOutcome> {
  if (setup.state !== 'started') return 'settled';
  const paymentMethodId = intent?.status === 'succeeded' ? intent.payment_method : null;
  if (paymentMethodId === null) return 'unchanged';
  const used = await withLease(context, setup.account_id, async (lease) => {
    return await useCard(context, lease, setup, paymentMethodId);
  });
  if (used === 'busy') return { again: 'another process works on the account' };
  return used.outcome === 'later' ? { again: used.reason } : `card ${used.outcome}`;
}

async function readIntent(
  { gateway }: StripeContext,
  setupIntentId: string,
): Promise<SetupIntent | undefined> {
  return await readObject(gateway, setupIntentObject, `/v1/setup_intents/${setupIntentId}`);
}

async function setupOf({ db }: StripeContext, metadata: Readonly<Record<string, string>>) {
  const { gm_account: accountId, gm_card_setup: cardSetupId } = metadata;
  if (accountId === undefined || cardSetupId === undefined) return undefined;
  return await findSetup(db, accountId, cardSetupId);
}
