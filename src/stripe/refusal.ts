import type { Refusal } from './gateway.ts';

/** A refusal in Stripe's shape that we found out or decided ourselves. */
export function refusalOf(code: string, message: string, status = 400): Refusal {
  return {
    status,
    type: 'invalid_request_error',
    code,
    declineCode: null,
    adviceCode: null,
    param: null,
    message,
    chargeId: null,
    paymentIntentId: null,
  };
}
