import { docUrl, Refusal } from '../refusal.ts';
import type { JsonObject } from '../json.ts';

/** How a decline is spelled, after docs.stripe.com/declines/codes and docs.stripe.com/testing. */
export type Decline = {
  readonly code: string;
  readonly decline_code: string;
  readonly message: string;
};

export type TestCard = {
  readonly brand: string;
  readonly last4: string;
  /** What attaching it to a customer answers; null when it can be attached. */
  readonly attach: string | null;
  /** What a charge without the customer present answers; null when it succeeds. */
  readonly charge: string | null;
  /** What happens after a successful charge or refund. */
  readonly later?: 'dispute' | 'refund_fails' | 'refund_pending';
  readonly asksCustomer?: true;
};

const DECLINED = 'Your card was declined.';

export const DECLINES: Readonly<Record<string, Decline>> = {
  generic_decline: { code: 'card_declined', decline_code: 'generic_decline', message: DECLINED },
  insufficient_funds: {
    code: 'card_declined',
    decline_code: 'insufficient_funds',
    message: 'Your card has insufficient funds.',
  },
  lost_card: { code: 'card_declined', decline_code: 'lost_card', message: DECLINED },
  stolen_card: { code: 'card_declined', decline_code: 'stolen_card', message: DECLINED },
  pickup_card: { code: 'card_declined', decline_code: 'pickup_card', message: DECLINED },
  fraudulent: { code: 'card_declined', decline_code: 'fraudulent', message: DECLINED },
  expired_card: {
    code: 'expired_card',
    decline_code: 'expired_card',
    message: 'Your card has expired.',
  },
  incorrect_number: {
    code: 'incorrect_number',
    decline_code: 'incorrect_number',
    message: 'Your card number is incorrect.',
  },
  incorrect_cvc: {
    code: 'incorrect_cvc',
    decline_code: 'incorrect_cvc',
    message: "Your card's security code is incorrect.",
  },
  processing_error: {
    code: 'processing_error',
    decline_code: 'processing_error',
    message: 'An error occurred while processing your card. Try again in a little bit.',
  },
  authentication_required: {
    code: 'authentication_required',
    decline_code: 'authentication_required',
    message: 'Your card was declined. This transaction requires authentication.',
  },
};

const good = (brand: string, last4: string): TestCard => ({
  brand,
  last4,
  attach: null,
  charge: null,
});
const unattachable = (last4: string, decline: string): TestCard => ({
  brand: 'visa',
  last4,
  attach: decline,
  charge: decline,
});

/** By the name that follows `tok_` and `pm_card_`. Numbers are never kept, only their last four digits. */
export const TEST_CARDS: Readonly<Record<string, TestCard>> = {
  visa: good('visa', '4242'),
  mastercard: good('mastercard', '4444'),
  amex: good('amex', '0005'),
  chargeCustomerFail: { brand: 'visa', last4: '0341', attach: null, charge: 'generic_decline' },
  visa_chargeDeclined: unattachable('0002', 'generic_decline'),
  chargeDeclined: unattachable('0002', 'generic_decline'),
  visa_chargeDeclinedInsufficientFunds: unattachable('9995', 'insufficient_funds'),
  visa_chargeDeclinedLostCard: unattachable('9987', 'lost_card'),
  visa_chargeDeclinedStolenCard: unattachable('9979', 'stolen_card'),
  chargeDeclinedExpiredCard: unattachable('0069', 'expired_card'),
  chargeDeclinedIncorrectCvc: unattachable('0127', 'incorrect_cvc'),
  chargeDeclinedProcessingError: unattachable('0119', 'processing_error'),
  threeDSecure2Required: {
    brand: 'visa',
    last4: '3220',
    attach: null,
    charge: 'authentication_required',
    asksCustomer: true,
  },
  visa_createDispute: { ...good('visa', '0259'), later: 'dispute' },
  createDispute: { ...good('visa', '0259'), later: 'dispute' },
  refundFail: { ...good('visa', '5126'), later: 'refund_fails' },
  pendingRefund: { ...good('visa', '7726'), later: 'refund_pending' },
};

/** A 402: what failed stays on record, and `more` (the failed charge, the intent) goes with the error. */
export function declined(name: string, more: JsonObject): Refusal {
  const decline = DECLINES[name] ?? {
    code: 'card_declined',
    decline_code: name,
    message: DECLINED,
  };
  const error = { type: 'card_error', ...decline, doc_url: docUrl(decline.code), ...more };
  return new Refusal(402, error, { isKept: true });
}

/** Also for names that mean something to every object, such as `constructor`. */
export function testCardOf(name: string): TestCard | undefined {
  return Object.hasOwn(TEST_CARDS, name) ? TEST_CARDS[name] : undefined;
}
