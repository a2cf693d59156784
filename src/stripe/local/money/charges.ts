import type { Call } from '../call.ts';
import { contract } from '../contract/contract.ts';
import type { JsonObject } from '../json.ts';
import type { BalanceTransaction, Charge, PaymentIntent, PaymentMethod } from '../state/objects.ts';
import { docUrl } from '../refusal.ts';
import { DECLINES, type Decline } from '../cards/test-cards.ts';

type Attempt = {
  readonly intent: PaymentIntent;
  readonly method: PaymentMethod;
  readonly decline: string | null;
};

/** One try at a card; a failed one is a charge as well. */
export function createCharge(call: Call, { intent, method, decline }: Attempt): Charge {
  const { world } = call;
  const id = world.newId('ch_');
  const hasFailed = decline !== null;
  const failure = hasFailed ? failureOf(decline) : null;
  const charge: Charge = {
    ...contract().blank('charge'),
    id,
    object: 'charge',
    amount: intent.amount,
    amount_captured: hasFailed ? 0 : intent.amount,
    amount_refunded: 0,
    balance_transaction: hasFailed
      ? null
      : enterMoney(call, {
          type: 'charge',
          amount: intent.amount,
          currency: intent.currency,
          source: id,
        }).id,
    billing_details: method.billing_details,
    captured: !hasFailed,
    created: world.now(),
    currency: intent.currency,
    customer: intent.customer,
    disputed: false,
    failure_code: failure?.code ?? null,
    failure_message: failure?.message ?? null,
    fraud_details: {},
    livemode: false,
    metadata: {},
    outcome: outcome(failure),
    paid: !hasFailed,
    payment_intent: intent.id,
    payment_method: method.id,
    payment_method_details: { type: 'card', card: cardDetails(method, intent.amount) },
    refunded: false,
    status: hasFailed ? 'failed' : 'succeeded',
  };
  world.put('charge', charge);
  return charge;
}

export function failureOf(decline: string): Decline & { readonly doc_url: string } {
  const known = DECLINES[decline] ?? {
    code: 'card_declined',
    decline_code: decline,
    message: 'Your card was declined.',
  };
  return { ...known, doc_url: docUrl(known.code) };
}

type Movement = {
  readonly type: 'charge' | 'refund' | 'adjustment' | 'refund_failure';
  readonly amount: number;
  readonly currency: string;
  readonly source: string;
  readonly fee?: number;
};

/** Money that comes into our balance at Stripe (negative: leaves it). A charge costs 2.9 % and 30 cents. */
export function enterMoney(
  { world }: Call,
  { type, amount, currency, source, fee: given }: Movement,
): BalanceTransaction {
  const fee = given ?? (type === 'charge' ? Math.round((amount * 29) / 1000) + 30 : 0);
  const entry: BalanceTransaction = {
    ...contract().blank('balance_transaction'),
    id: world.newId('txn_'),
    object: 'balance_transaction',
    amount,
    available_on: world.now(),
    balance_type: 'payments',
    created: world.now(),
    currency,
    fee,
    fee_details:
      fee === 0
        ? []
        : [
            {
              amount: fee,
              application: null,
              currency,
              description: 'Stripe processing fees',
              type: 'stripe_fee',
            },
          ],
    net: amount - fee,
    reporting_category: type === 'adjustment' ? 'dispute' : type,
    source,
    status: 'available',
    type,
  };
  world.put('balance_transaction', entry);
  return entry;
}

/** `GET /v1/balance`: everything is available at once. */
export function retrieveBalance({ world }: Call): JsonObject {
  const currencies = [...new Set(world.all('balance_transaction').map(({ currency }) => currency))];
  const available = (currencies.length === 0 ? ['usd'] : currencies).map((currency) => {
    const entries = world.all('balance_transaction').filter((entry) => entry.currency === currency);
    const amount = entries.reduce((sum, { net }) => sum + net, 0);
    return { amount, currency, source_types: { card: amount } };
  });
  return {
    object: 'balance',
    available,
    livemode: false,
    pending: available.map((entry) => ({ ...entry, amount: 0, source_types: { card: 0 } })),
  };
}

function outcome(failure: Decline | null): JsonObject {
  const blank = {
    network_advice_code: null,
    network_decline_code: null,
    risk_level: 'normal',
    risk_score: 20,
  };
  if (failure === null) {
    return {
      ...blank,
      advice_code: null,
      network_status: 'approved_by_network',
      reason: null,
      seller_message: 'Payment complete.',
      type: 'authorized',
    };
  }
  const isHard = ['lost_card', 'stolen_card', 'pickup_card', 'fraudulent'].includes(
    failure.decline_code,
  );
  return {
    ...blank,
    advice_code: isHard ? 'do_not_try_again' : 'try_again_later',
    network_status: 'declined_by_network',
    reason: failure.decline_code,
    seller_message: 'The bank did not accept the payment.',
    type: 'issuer_declined',
  };
}

function cardDetails({ card }: PaymentMethod, amount: number): JsonObject {
  const { brand, last4, exp_month, exp_year, fingerprint } = card;
  return {
    amount_authorized: amount,
    authorization_code: null,
    brand,
    checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: null },
    country: 'US',
    electronic_commerce_indicator: null,
    exp_month,
    exp_year,
    fingerprint,
    funding: 'credit',
    installments: null,
    last4,
    mandate: null,
    network: brand,
    network_transaction_id: null,
    regulated_status: 'unregulated',
    three_d_secure: null,
    transaction_link_id: null,
    wallet: null,
  };
}
