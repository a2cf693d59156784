import type { Kysely } from 'kysely';
import { retrySchedule } from '../../../src/dunning/retry-schedule.ts';
import { openGateway, type Gateway, type GatewayOptions } from '../../../src/stripe/gateway.ts';
import type { PayContext } from '../../../src/stripe/issue/pay-invoice.ts';
import { startLocalStripe, type LocalStripe } from '../../../src/stripe/local/local-stripe.ts';
import type { Database } from '../../../src/database/pool.ts';
import { freshDatabase, type TestDatabase } from '../../support/database.ts';

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
  /** Also sees what the database looks like now; a test may give its own context a crash point. */
  readonly close: () => Promise<void>;
};

/** 2026-02-10T01:00:00Z: an hour after the period that `freezeInvoice` bills has ended. */
export const START = new Date('2026-02-10T01:00:00Z');
export const TEST_KEY = 'sk_test_gigameter';

export async function openWorld(gatewayOptions: Partial<GatewayOptions> = {}): Promise<World> {
  const database = await freshDatabase();
  let nowMs = START.getTime();
  const clock = (): Date => new Date(nowMs);
  const stripe = await startLocalStripe({ clock, environment: 'test', seed: 'test' });
  const gateway = openGateway({
    apiKey: TEST_KEY,
    apiBase: stripe.url,
    maxNetworkRetries: 0,
    timeoutMs: 5_000,
    ...gatewayOptions,
  });
  const context: PayContext = { db: database.db, gateway, clock, retryAt: retrySchedule() };
  return {
    database,
    db: database.db,
    stripe,
    gateway,
    context,
    clock,
    pass: async ({ hours = 0, seconds = 0 }) => {
      nowMs += (hours * 3600 + seconds) * 1000;
      await stripe.advance(0);
    },
    close: async () => {
      await stripe.close();
      await database.drop();
    },
  };
}
