import { contract } from '../contract/contract.ts';
import type { CallFault } from '../faults.ts';
import { Refusal } from '../refusal.ts';

/** What came of running a request. */
export type Outcome = {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  /** It took effect now. */
  readonly hasRun: boolean;
  /** It took effect earlier, under the same key. */
  readonly isReplay: boolean;
};

/** What goes back over the wire, or does not. */
export type Answer = {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What of it reaches the caller: all, half, or a closed connection. */
  readonly delivery: 'whole' | 'cut' | 'none';
};

type Asked = {
  readonly requestId: string;
  readonly version: string | null;
  readonly idempotencyKey: string | null;
};

/** A null outcome means that nothing ran and nothing is answered. */
export function answerOf(asked: Asked, outcome: Outcome | null, fault: CallFault | null): Answer {
  const shown = outcome === null || fault === 'error_500_after' ? refused(brokenDown()) : outcome;
  const isWithheld = outcome === null || fault === 'drop_after' || fault === 'hang_after';
  return {
    status: shown.status,
    body: shown.body,
    headers: {
      'request-id': asked.requestId,
      'stripe-version': asked.version ?? contract().apiVersion,
      ...(asked.idempotencyKey === null ? {} : { 'idempotency-key': asked.idempotencyKey }),
      ...(shown.isReplay ? { 'idempotent-replayed': 'true' } : {}),
      ...shown.headers,
    },
    delivery: isWithheld ? 'none' : fault === 'cut_body' ? 'cut' : 'whole',
  };
}

export function refused(refusal: Refusal): Outcome {
  const body = { error: refusal.error };
  contract().checkObject('error', body);
  return {
    status: refusal.status,
    body: JSON.stringify(body),
    headers: refusal.headers,
    hasRun: false,
    isReplay: false,
  };
}

export function brokenDown(): Refusal {
  return new Refusal(500, {
    type: 'api_error',
    message: 'An unknown error occurred (a fault on demand of the local Stripe).',
  });
}
