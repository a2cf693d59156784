import type { Kysely } from 'kysely';
import { retrySchedule } from '../../../src/dunning/retry-schedule.ts';
import { openGateway, type Gateway, type GatewayOptions } from '../../../src/stripe/gateway.ts';
import type { PayContext } from '../../../src/stripe/issue/pay-invoice.ts';
import { startLocalStripe, type LocalStripe } from '../../../src/stripe/local/local-stripe.ts';
import {
  processStripeEvents,
  type Processed,
} from '../../../src/stripe/news/process-stripe-events.ts';
import type { WebhookContext } from '../../../src/stripe/news/receive-webhook.ts';
import type { Database } from '../../../src/database/pool.ts';
import { freshDatabase, type TestDatabase } from '../../support/database.ts';
import { openReceiver, type Receiver } from './receiver.ts';

/** A database, a local Stripe and one clock for both, which stands still until a test moves it. */
export type World = {
  readonly database: TestDatabase;
  readonly db: Kysely<Database>;
  readonly stripe: LocalStripe;
  readonly gateway: Gateway;
  readonly context: PayContext;
  readonly clock: () => Date;
  /** Moves both clocks, and does what comes due at Stripe. */
  readonly pass: (duration: {
    readonly hours?: number;
    readonly seconds?: number;
  }) => Promise<void>;
  readonly receiver: Receiver;
  /** What `receiveWebhook` works with. */
  readonly webhooks: WebhookContext;
  /** Lets Stripe send its news, and works through them. */
  readonly hear: () => Promise<Processed>;
  readonly close: (left?: { readonly isBroken: true }) => Promise<void>;
};

/** 2026-02-10T01:00:00Z: an hour after the period that `freezeInvoice` bills has ended. */
export const START = new Date('2026-02-10T01:00:00Z');
export const TEST_KEY = 'sk_test_gigameter';
export const WEBHOOK_SECRET = 'whsec_gigameter';

export type WorldOptions = {
  readonly gateway?: Partial<GatewayOptions>;
  /** Whether Stripe sends news at all; default true. */
  readonly hasWebhooks?: boolean;
};

export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const database = await freshDatabase();
  let nowMs = START.getTime();
  const clock = (): Date => new Date(nowMs);
  const webhooks = { db: database.db, clock, secrets: [WEBHOOK_SECRET], isLive: false };
  const receiver = await openReceiver(() => webhooks);
  const stripe = await startLocalStripe({
    clock,
    environment: 'test',
    seed: 'test',
    ...(options.hasWebhooks === false
      ? {}
      : { webhooks: { url: receiver.url, secret: WEBHOOK_SECRET } }),
  });
  const gateway = openGateway({
    apiKey: TEST_KEY,
    apiBase: stripe.url,
    maxNetworkRetries: 0,
    ...options.gateway,
  });
  const context: PayContext = { db: database.db, gateway, clock, retryAt: retrySchedule() };
  return {
    database,
    db: database.db,
    stripe,
    gateway,
    context,
    clock,
    receiver,
    webhooks,
    hear: async () => {
      await stripe.drainWebhooks();
      return await processStripeEvents(context);
    },
    pass: async ({ hours = 0, seconds = 0 }) => {
      nowMs += (hours * 3600 + seconds) * 1000;
      await stripe.advance(0);
    },
    close: async (left) => {
      await stripe.close();
      await receiver.close();
      await database.drop(left);
    },
  };
}
