import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { openGateway, type Gateway } from '../stripe/gateway.ts';
import { startLocalStripe, type LocalStripe } from '../stripe/local/local-stripe.ts';
import type { Clock } from '../values/clock.ts';
import { Fault } from '../values/fault.ts';
import type { OpenDatabase } from './open-database.ts';
import { isLiveKey, stripeGateway } from './stripe-gateway.ts';

export type OpenStripe = {
  readonly gateway: Gateway;
  readonly webhookSecrets: readonly string[];
  readonly isLive: boolean;
  /** Where no key is set. */
  readonly local: LocalStripe | undefined;
  readonly stop: () => Promise<void>;
};

/** @throws Fault `invalid_setting` when in production something would be missing that only Stripe can do. */
export function requireStripe({ stripe, environment }: Pick<Config, 'stripe' | 'environment'>) {
  if (environment !== 'production') return;
  if (stripe.apiKey === undefined) {
    const message =
      'set STRIPE_API_KEY to a key of your Stripe account: the local Stripe takes no real money and does not start in production';
    throw new Fault('invalid', 'invalid_setting', message);
  }
  if (stripe.webhookSecrets.length === 0) {
    const message =
      'set STRIPE_WEBHOOK_SECRETS to the signing secret of the webhook endpoint for POST /webhooks/stripe';
    throw new Fault('invalid', 'invalid_setting', message);
  }
}

/**
 * Stripe by the key of the settings; without one the local Stripe, which tells its news to `webhookUrl` and
 * keeps its state in the data folder.
 */
export async function openStripe(
  config: Pick<Config, 'stripe' | 'environment' | 'dataDir'>,
  {
    database: { db, pool },
    clock,
    log,
  }: {
    readonly database: Pick<OpenDatabase, 'db' | 'pool'>;
    readonly clock: Clock;
    readonly log: Logger;
  },
  webhookUrl: string,
): Promise<OpenStripe> {
  const { apiKey, webhookSecrets } = config.stripe;
  if (apiKey !== undefined) {
    return {
      gateway: stripeGateway(config.stripe, apiKey, { db, clock }),
      webhookSecrets,
      isLive: isLiveKey(apiKey),
      local: undefined,
      stop: async () => {},
    };
  }
  const secret = `whsec_${randomBytes(24).toString('hex')}`;
  await mkdir(config.dataDir, { recursive: true });
  const release = await holdLocalStripe(pool);
  const local = await startLocalStripe({
    clock,
    environment: config.environment,
    journalFile: join(config.dataDir, 'local-stripe.jsonl'),
    webhooks: { url: webhookUrl, secret },
    log: (line) => log.debug(line),
  }).catch((error: unknown) => {
    // Nothing could end the pool while the lock is held.
    release();
    throw error;
  });
  log.info(`no STRIPE_API_KEY: invoices go to the local Stripe at ${local.url}`);
  return {
    gateway: openGateway({ apiKey: 'sk_test_local', apiBase: local.url }),
    webhookSecrets: [secret],
    isLive: false,
    local,
    stop: async () => {
      await local.close();
      release();
    },
  };
}

/** Its state is in the memory and the journal of one process: a second one beside it would know nothing. */
async function holdLocalStripe(pool: pg.Pool): Promise<() => void> {
  const client = await pool.connect();
  const { rows } = await client.query<{ held: boolean }>(
    `select pg_try_advisory_lock(hashtextextended('gigameter local stripe', 0)) as held`,
  );
  // The lock ends with its session, however the process ends.
  if (rows[0]?.held) return () => client.release(true);
  client.release();
  const message =
    'another process serves this database with the local Stripe, which only one can host: set STRIPE_API_KEY';
  throw new Fault('conflict', 'local_stripe_taken', message);
}
