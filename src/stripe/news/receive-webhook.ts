import type { z } from 'zod';
import type { Db } from '../../database/pool.ts';
import type { Clock } from '../../values/clock.ts';
import { Fault } from '../../values/fault.ts';
import { recordDrift } from '../drift.ts';
import { isSigned } from '../gateway.ts';
import { eventObject } from '../objects.ts';

export type WebhookContext = {
  readonly db: Db;
  readonly clock: Clock;
  /** One, or two while rotating (`whsec_…`). */
  readonly secrets: readonly string[];
  /** Whether our key is a live one: test events must not pay live invoices, nor the other way round. */
  readonly isLive: boolean;
  /** Ours (`acct_…`); events that name another one are refused. */
  readonly stripeAccountId?: string;
};

export type Received = { readonly stripeEventId: string; readonly isNew: boolean };

/**
 * Takes one delivery of Stripe's news: checks where it comes from, stores it by its id and leaves the
 * rest to `processStripeEvents`. Repeated deliveries change nothing. Types we do not know are stored, too.
 *
 * @throws Fault `invalid` for what Stripe did not sign for us just now; nothing is written then.
 */
export async function receiveWebhook(
  context: WebhookContext,
  rawBody: Buffer,
  signatureHeader: string | undefined,
): Promise<Received> {
  const now = context.clock();
  if (!isSigned(rawBody, signatureHeader, context.secrets, now)) {
    throw new Fault(
      'invalid',
      'webhook_not_signed',
      'the webhook is not signed with our secret within the last 5 minutes',
    );
  }
  const event = await parseEvent(context, rawBody);
  if ((event.livemode ?? context.isLive) !== context.isLive) {
    throw new Fault(
      'invalid',
      'webhook_wrong_mode',
      `the event is ${context.isLive ? 'a test' : 'live'} one`,
    );
  }
  if (event.account !== null && event.account !== context.stripeAccountId) {
    throw new Fault(
      'invalid',
      'webhook_wrong_account',
      'the event belongs to another Stripe account',
    );
  }
  const isNew = await storeEvent(context.db, now, event);
  return { stripeEventId: event.id, isNew };
}

/** Keeps an event until it is worked through; answers whether it was new. Safe to repeat. */
export async function storeEvent(db: Db, now: Date, event: Event): Promise<boolean> {
  const subject = event.data?.object;
  const inserted = await db
    .insertInto('stripe_event')
    .values({
      stripe_event_id: event.id,
      type: event.type,
      object_id: subject?.id ?? null,
      created_at: new Date(
        typeof event.created === 'string' ? event.created : event.created * 1000,
      ),
      // Only what leads to its object: what happened is read from Stripe, who may know better by then.
      payload: JSON.stringify(subject ?? {}),
      received_at: now,
    })
    .onConflict((conflict) => conflict.column('stripe_event_id').doNothing())
    .returning('stripe_event_id')
    .executeTakeFirst();
  return inserted !== undefined;
}

type Event = z.infer<typeof eventObject>;

async function parseEvent({ db, clock }: WebhookContext, rawBody: Buffer): Promise<Event> {
  let content: unknown;
  try {
    content = JSON.parse(rawBody.toString('utf8'));
  } catch {
    content = undefined;
  }
  const parsed = eventObject.safeParse(content);
  if (parsed.success) return parsed.data;
  // Signed by Stripe and yet not understood: somebody must look, or we miss news for ever.
  await recordDrift(db, clock(), [
    {
      accountId: '',
      driftId: 'webhook_unreadable',
      kind: 'webhook_unreadable',
      cents: 0n,
      details: { reason: parsed.error.message.slice(0, 500) },
    },
  ]);
  throw new Fault('invalid', 'webhook_unreadable', 'the signed body is no Stripe event');
}
