import { randomUUID } from 'node:crypto';
import { ensureCustomer } from '../customer.ts';
import type { Lease } from '../lease.ts';
import { checkoutObject } from '../objects.ts';
import type { Outcome, StripeContext } from '../operation.ts';
import { runOperation } from '../run-operation.ts';
import { unavailable, underLease, type WaitingContext } from '../under-lease.ts';
import { requireAccount } from '../../accounts/require-account.ts';
import { Fault } from '../../values/fault.ts';
import { refuseSetup, startSetup, updateSetup, type SetupRow } from './card-setup-store.ts';

export type CheckoutUrls = { readonly successUrl: string; readonly cancelUrl: string };

/**
 * A page of Stripe's on which the owner sets a card, the bank's questions included. The card counts only
 * once Stripe says so (`checkout.session.completed`), not when the browser comes back. Each call opens
 * another page; the one finished last wins.
 *
 * @throws Fault `account_unknown`, `checkout_refused`, `stripe_unavailable`.
 */
export async function startCheckout(
  context: WaitingContext,
  { accountId, urls }: { readonly accountId: string; readonly urls: CheckoutUrls },
): Promise<{ readonly url: string }> {
  await requireAccount(context.db, accountId);
  const setup = await startSetup(context.db, accountId, randomUUID(), context.clock());
  const outcome = await underLease(context, accountId, async (lease) => {
    return await makeSession(context, lease, setup, urls);
  });
  if (outcome.outcome === 'later') throw unavailable();
  const url = outcome.outcome === 'done' ? outcome.result.url : null;
  if (url !== null) return { url };
  const why = outcome.outcome === 'refused' ? outcome.refusal.message : 'it names no page';
  throw new Fault('conflict', 'checkout_refused', `Stripe opens no Checkout page: ${why}`);
}

async function makeSession(
  context: StripeContext,
  lease: Lease,
  setup: SetupRow,
  { successUrl, cancelUrl }: CheckoutUrls,
): Promise<Outcome<{ url: string | null }>> {
  const customer = await ensureCustomer(context, lease);
  if (customer.outcome !== 'done') return customer;
  return await runOperation<{ id: string; url: string | null }>(context, lease, {
    accountId: lease.accountId,
    subject: setup.card_setup_id,
    step: 'checkout',
    plan: async () => ({
      method: 'POST',
      path: '/v1/checkout/sessions',
      params: {
        mode: 'setup',
        customer: customer.result.id,
        currency: 'usd',
        success_url: successUrl,
        cancel_url: cancelUrl,
        metadata: { gm_account: lease.accountId, gm_card_setup: setup.card_setup_id },
      },
    }),
    parse: (body) => checkoutObject.pick({ id: true, url: true }).safeParse(body).data,
    // A second page does no harm, and the owner waits for the first.
    look: async () => 'absent',
    save: async (tx, session) => {
      await updateSetup(tx, setup)
        .set({ checkout_session_id: session.id, checkout_url: session.url })
        .execute();
    },
    refuse: async (tx, { message }) => await refuseSetup(tx, setup, context.clock(), message),
  });
}
