import { requireAccount } from '../../accounts/require-account.ts';
import { Fault } from '../../values/fault.ts';
import { ensureCustomer } from '../customer.ts';
import type { Refusal } from '../gateway.ts';
import type { Lease } from '../lease.ts';
import type { Outcome, StripeContext } from '../operation.ts';
import { unavailable, underLease, type WaitingContext } from '../under-lease.ts';
import { attachCard, makeMethod, NEEDS_CUSTOMER } from './attach-card.ts';
import { findCard, startSetup, type Card, type SetupRow } from './card-setup-store.ts';
import { useCard } from './use-card.ts';

/** A token or payment method made in the customer's browser; card numbers never come here (R36). */
export type CardSource = { readonly token: string } | { readonly paymentMethodId: string };

/**
 * Sets or replaces the card of an account (R37). Open invoices become due at once. Repeating it with the
 * same source goes on where it was cut off, and is no change once it is done.
 *
 * @throws Fault `card_declined` (with the bank's words), `card_needs_customer` (only a Checkout link can
 *   set this card), `card_unknown`, `account_unknown`, `stripe_unavailable` (the same again, later).
 */
export async function setPaymentMethod(
  context: WaitingContext,
  { accountId, source }: { readonly accountId: string; readonly source: CardSource },
): Promise<Card> {
  await requireAccount(context.db, accountId);
  const given = 'token' in source ? source.token : source.paymentMethodId;
  // Whoever sends a card's number instead must not have it stored here, nor sent on.
  const form = 'token' in source ? TOKEN : PAYMENT_METHOD;
  if (!form.test(given)) throw new Fault('invalid', 'card_unknown', CARD_RULE);
  const setup = await startSetup(context.db, accountId, given, context.clock());
  if (setup.state !== 'done') {
    const outcome = await underLease(context, accountId, async (lease) => {
      return await runSetup(context, lease, setup, source);
    });
    if (outcome.outcome === 'later') throw unavailable();
    if (outcome.outcome === 'refused') throw cardFault(outcome.refusal);
  }
  const card = await findCard(context.db, accountId);
  if (card === undefined) throw new Error(`account ${accountId} has no card after it was set`);
  return card;
}

const TOKEN = /^tok_[\w-]{1,250}$/;
const PAYMENT_METHOD = /^pm_[\w-]{1,250}$/;
const CARD_RULE = 'the card must be a Stripe token (tok_…) or a payment method id (pm_…)';

async function runSetup(
  context: StripeContext,
  lease: Lease,
  setup: SetupRow,
  source: CardSource,
): Promise<Outcome<unknown>> {
  const customer = await ensureCustomer(context, lease);
  if (customer.outcome !== 'done') return customer;
  const made =
    'token' in source
      ? await makeMethod(context, lease, setup, source.token)
      : ({ outcome: 'done', result: { id: source.paymentMethodId } } as const);
  if (made.outcome !== 'done') return made;
  const card = { customerId: customer.result.id, paymentMethodId: made.result.id };
  const attached = await attachCard(context, lease, setup, card);
  if (attached.outcome !== 'done') return attached;
  // Of a name that stands for a card, such as those of a sandbox, Stripe attaches a copy.
  return await useCard(context, lease, setup, attached.result.payment_method ?? made.result.id);
}

function cardFault(refusal: Refusal): Fault {
  if (refusal === NEEDS_CUSTOMER) {
    return new Fault('invalid', 'card_needs_customer', refusal.message);
  }
  const code = refusal.type === 'card_error' ? 'card_declined' : 'card_unknown';
  return new Fault('invalid', code, refusal.message);
}
