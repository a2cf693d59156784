import { docUrl, Refusal } from '../refusal.ts';
import type { World } from '../state/world.ts';

export type RateLimits = {
  /** Calls per second over everything; no limit when absent. Stripe: 100 live, 25 in a sandbox. */
  readonly perSecond?: number;
  /** Calls per second of one method on one endpoint. Stripe: 25. */
  readonly perEndpointPerSecond?: number;
};

/** Counts calls in whole seconds of the movable clock; returns the refusal to answer with, or null. */
export function makeLimiter(
  world: World,
  limits: RateLimits,
): (endpoint: string) => Refusal | null {
  let second = -1;
  let counts = new Map<string, number>();
  const count = (name: string): number => {
    const next = (counts.get(name) ?? 0) + 1;
    counts.set(name, next);
    return next;
  };
  return (endpoint) => {
    const now = world.now();
    if (now !== second) counts = new Map();
    second = now;
    if (count('') > (limits.perSecond ?? Infinity)) return tooMany(reason('global-rate'));
    const isOver = count(endpoint) > (limits.perEndpointPerSecond ?? Infinity);
    return isOver ? tooMany(reason('endpoint-rate')) : null;
  };
}

export function tooMany(headers: Readonly<Record<string, string>> = {}): Refusal {
  const message =
    'Request rate limit exceeded. Learn more about rate limits here https://docs.stripe.com/rate-limits.';
  return new Refusal(
    429,
    { type: 'invalid_request_error', code: 'rate_limit', doc_url: docUrl('rate_limit'), message },
    { headers },
  );
}

function reason(limit: 'global-rate' | 'endpoint-rate'): Record<string, string> {
  return { 'stripe-rate-limited-reason': limit };
}

/** Another request holds the object: Stripe answers 429 for this as well. */
export function lockTimeout(): Refusal {
  const message =
    'This object cannot be accessed right now because another API request or Stripe process is currently accessing it.';
  return new Refusal(429, {
    type: 'invalid_request_error',
    code: 'lock_timeout',
    doc_url: docUrl('lock_timeout'),
    message,
  });
}
