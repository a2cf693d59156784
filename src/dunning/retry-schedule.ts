import type { FailedAttempt, RetryPolicy } from '../stripe/issue/pay-invoice.ts';

/** Days after an invoice was finalized on which it is tried (R41c). */
export const RETRY_DAYS: readonly number[] = [0, 1, 3, 7];

/**
 * Declines that the same card will answer for ever, and refusals that say the card is not there any
 * more: asking again only earns the merchant a bad name (docs.stripe.com/declines/codes).
 */
const HARD_DECLINES: ReadonlySet<string> = new Set([
  'lost_card',
  'stolen_card',
  'pickup_card',
  'restricted_card',
  'fraudulent',
  'expired_card',
  'incorrect_number',
  'invalid_number',
  'invalid_account',
  'new_account_information_available',
  'revocation_of_authorization',
  'revocation_of_all_authorizations',
  'stop_payment_order',
  'merchant_blacklist',
  'authentication_required',
  'resource_missing',
  'payment_method_not_available',
  'gone',
  'not_open',
]);

const DAY_MS = 86_400_000;

/** Tries on the given days after finalizing; never again with a card that was refused for good. */
export function retrySchedule(days: readonly number[] = RETRY_DAYS): RetryPolicy {
  return (attempt) => {
    if (isHard(attempt)) return undefined;
    const next = days
      .map((day) => new Date(attempt.finalizedAt.getTime() + day * DAY_MS))
      .filter((at) => at > attempt.failedAt);
    return next.toSorted((a, b) => a.getTime() - b.getTime())[0];
  };
}

function isHard({ refusal }: FailedAttempt): boolean {
  if (refusal.adviceCode === 'do_not_try_again') return true;
  return HARD_DECLINES.has(refusal.declineCode ?? '') || HARD_DECLINES.has(refusal.code ?? '');
}
