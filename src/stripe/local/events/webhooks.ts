import { createHmac } from 'node:crypto';
import { contract } from '../contract/contract.ts';
import type { Faults } from '../faults.ts';
import type { Delivery } from '../state/inside.ts';
import type { StripeEvent } from '../state/objects.ts';
import type { World } from '../state/world.ts';

/** A sandbox tries three more times over some hours (docs.stripe.com/webhooks); the spacing is ours. */
const RETRY_AFTER_MS = [60_000, 3_600_000, 5 * 3_600_000];
const TIMEOUT_MS = 10_000;

export type Webhooks = {
  /** Starts sending what is due, one at a time in order; returns at once. */
  readonly kick: () => void;
  /** Resolves when nothing is due any more (what is held back or waits for its retry is not due). */
  readonly drain: () => Promise<void>;
  /** Ends what is under way; nothing is sent any more. */
  readonly stop: () => Promise<void>;
};

type Waiting = { readonly delivery: Delivery; readonly isDouble: boolean };

export function makeWebhooks(world: World, faults: Faults): Webhooks {
  let sending: Promise<void> | null = null;
  const held = new Set<string>();
  const stopping = new AbortController();

  const due = (): readonly Delivery[] =>
    stopping.signal.aborted
      ? []
      : world
          .all('local.delivery')
          .filter(
            ({ id, nextAttemptAtMs: at }) => at !== null && at <= world.nowMs() && !held.has(id),
          );

  const send = async ({ delivery, isDouble }: Waiting): Promise<void> => {
    const isAccepted = await post(world, delivery, stopping.signal);
    if (isDouble) await post(world, delivery, stopping.signal);
    if (stopping.signal.aborted) return;
    world.transaction(() => settle(world, delivery, isAccepted));
  };
  const keepBack = (delivery: Delivery): void => {
    held.add(delivery.id);
    void faults.hold(undefined).then(() => {
      held.delete(delivery.id);
      kick();
    });
  };
  const sendAll = async (): Promise<void> => {
    let late: Waiting | null = null;
    for (
      let next = due().find(({ id }) => id !== late?.delivery.id);
      next !== undefined;
      next = due().find(({ id }) => id !== late?.delivery.id)
    ) {
      const delivery: Delivery = next;
      const fault = faults.forEvent(world.get('event', delivery.event)?.type ?? '');
      if (fault === 'lose')
        world.transaction(() =>
          world.put('local.delivery', { ...delivery, nextAttemptAtMs: null }),
        );
      else if (fault === 'hold') keepBack(delivery);
      else if (fault === 'reorder' && late === null) late = { delivery, isDouble: false };
      else {
        await send({ delivery, isDouble: fault === 'double' });
        if (late !== null) await send(late);
        late = null;
      }
    }
    if (late !== null) await send(late);
  };
  const kick = (): void => {
    // A failure in here is a bug of ours, not of the receiver: it must not pass unseen.
    sending ??= sendAll().finally(() => {
      sending = null;
      if (due().length > 0) kick();
    });
  };
  const drain = async (): Promise<void> => {
    kick();
    while (sending !== null) await sending;
  };
  const stop = async (): Promise<void> => {
    stopping.abort();
    await sending;
  };
  return { kick, drain, stop };
}

/** Instants at which a retry is due, in milliseconds. */
export function deliveriesDueAt(world: World): readonly number[] {
  return world.all('local.delivery').flatMap(({ nextAttemptAtMs: at }) => at ?? []);
}

/** One attempt, freshly signed; true when the endpoint answered 2xx. */
async function post(world: World, delivery: Delivery, stopping: AbortSignal): Promise<boolean> {
  const event = world.get('event', delivery.event);
  const endpoint = world.get('webhook_endpoint', delivery.endpoint);
  const secret = world.get('local.secret', delivery.endpoint)?.secret;
  if (event === undefined || endpoint === undefined || secret === undefined) return true;
  contract().checkObject('event', event);
  const body = JSON.stringify(event);
  const signedAt = world.now();
  const signature = createHmac('sha256', secret).update(`${signedAt}.${body}`).digest('hex');
  try {
    const answer = await fetch(endpoint.url, {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'stripe-signature': `t=${signedAt},v1=${signature}`,
      },
      redirect: 'manual',
      signal: AbortSignal.any([stopping, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    // No answer at all counts like a wrong one: the retries below are the handling.
    return false;
  }
}

function settle(world: World, delivery: Delivery, isAccepted: boolean): void {
  const event = world.get('event', delivery.event);
  if (isAccepted) {
    world.remove('local.delivery', delivery.id);
    if (event !== undefined) world.put('event', withPending(event, -1));
    return;
  }
  const wait = RETRY_AFTER_MS[delivery.attempts];
  const nextAttemptAtMs = wait === undefined ? null : world.nowMs() + wait;
  world.put('local.delivery', { ...delivery, attempts: delivery.attempts + 1, nextAttemptAtMs });
}

function withPending(event: StripeEvent, change: number): StripeEvent {
  return { ...event, pending_webhooks: Math.max(0, event.pending_webhooks + change) };
}
