import { Fault } from '../values/fault.ts';
import { LeaseLost, withLease, type Lease } from './lease.ts';
import type { StripeContext } from './operation.ts';
import { Unanswered } from './read.ts';

/** For verbs that somebody waits for. */
export type WaitingContext = StripeContext & {
  /** Waits while another process works on the account; without it, that is an error at once. */
  readonly wait?: (ms: number) => Promise<void>;
};

/** How often and how long a busy account is waited for: 10 s in all. */
const BUSY_TRIES = 50;
const BUSY_PAUSE_MS = 200;

/** @throws Fault `stripe_unavailable` when the account stays busy or Stripe cannot be asked. */
export async function underLease<T>(
  context: WaitingContext,
  accountId: string,
  work: (lease: Lease) => Promise<T>,
): Promise<T> {
  try {
    for (let tries = 0; tries < BUSY_TRIES; tries += 1) {
      const done = await withLease(context, accountId, work);
      if (done !== 'busy') return done;
      if (context.wait === undefined) break;
      await context.wait(BUSY_PAUSE_MS);
    }
  } catch (error) {
    if (!(error instanceof Unanswered) && !(error instanceof LeaseLost)) throw error;
  }
  throw unavailable();
}

export function unavailable(): Fault {
  return new Fault(
    'unavailable',
    'stripe_unavailable',
    'the card processor cannot be asked right now: please try the same again in a minute',
  );
}
