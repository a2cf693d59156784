import { byStripe } from './call.ts';
import type { Keys } from './http/idempotency.ts';
import { expire } from './cards/checkout.ts';
import { advanceInvoices, invoicesDueAt } from './invoices/invoice-states.ts';
import { advanceRefunds, refundsDueAt } from './money/refunds.ts';
import { deliveriesDueAt, type Webhooks } from './events/webhooks.ts';
import type { World } from './state/world.ts';

export type Due = {
  /** Does everything that is due by now, in one transaction; nothing when nothing is. */
  readonly catchUp: () => void;
  /** Moves the clock on, stopping at every instant at which something is due, in order. */
  readonly advance: (ms: number) => Promise<void>;
};

/** What Stripe does on its own as time passes: auto_advance, retries of webhooks, expiry. */
export function makeDue(world: World, keys: Keys, webhooks: Webhooks): Due {
  const catchUp = (): void =>
    world.transaction(() => {
      advanceInvoices(world);
      advanceRefunds(world);
      for (const session of world.waiting('checkout.session'))
        if (session.expires_at <= world.now()) expire(byStripe(world), session);
      keys.prune();
    });
  const moveTo = async (atMs: number): Promise<void> => {
    if (atMs > world.nowMs()) world.transaction(() => world.moveClockTo(atMs));
    catchUp();
    await webhooks.drain();
  };
  const advance = async (ms: number): Promise<void> => {
    const target = world.nowMs() + ms;
    // What is due already comes first: a delivery under way may ask for a retry before the target.
    await moveTo(world.nowMs());
    let next = nextDueAtMs(world, target);
    while (next !== undefined) {
      await moveTo(next);
      next = nextDueAtMs(world, target);
    }
    await moveTo(target);
  };
  return { catchUp, advance };
}

function nextDueAtMs(world: World, targetMs: number): number | undefined {
  const seconds = [
    ...invoicesDueAt(world),
    ...refundsDueAt(world),
    ...world.waiting('checkout.session').map((session) => session.expires_at),
  ];
  const instants = [...seconds.map((at) => at * 1000), ...deliveriesDueAt(world)];
  return instants.filter((at) => at > world.nowMs() && at <= targetMs).toSorted((a, b) => a - b)[0];
}
