import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { openGateway, type Gateway } from '../stripe/gateway.ts';
import { startLocalStripe, type LocalStripe } from '../stripe/local/local-stripe.ts';
import type { Clock } from '../values/clock.ts';
import { Fault } from '../values/fault.ts';

export type OpenStripe = {
  readonly gateway: Gateway;
  readonly webhookSecrets: readonly string[];
  readonly isLive: boolean;
  /** Where no key is set. */
  readonly local: LocalStripe | undefined;
  readonly stop: () => Promise<void>;
};

/**
 * Stripe by the key of the settings; without one the local Stripe, which tells its news to `webhookUrl` and
 * keeps its state in the data folder.
 */
export async function openStripe(
  config: Pick<Config, 'stripe' | 'environment' | 'dataDir'>,
  clock: Clock,
  webhookUrl: string,
  log: Logger,
): Promise<OpenStripe> {
  const { apiKey, apiBase, webhookSecrets } = config.stripe;
  if (apiKey !== undefined) {
    if (config.environment === 'production' && webhookSecrets.length === 0) {
      const message =
        'set STRIPE_WEBHOOK_SECRETS to the signing secret of the webhook endpoint for POST /webhooks/stripe';
      throw new Fault('invalid', 'invalid_setting', message);
    }
    return {
      gateway: openGateway({ apiKey, ...(apiBase === undefined ? {} : { apiBase }) }),
      webhookSecrets,
      isLive: /^[sr]k_live_/.test(apiKey),
      local: undefined,
      stop: async () => {},
    };
  }
  const secret = `whsec_${randomBytes(24).toString('hex')}`;
  const local = await startLocalStripe({
    clock,
    environment: config.environment,
    journalFile: join(config.dataDir, 'local-stripe.jsonl'),
    webhooks: { url: webhookUrl, secret },
    log: (line) => log.debug(line),
  });
  log.info(`no STRIPE_API_KEY: invoices go to the local Stripe at ${local.url}`);
  return {
    gateway: openGateway({ apiKey: 'sk_test_local', apiBase: local.url }),
    webhookSecrets: [secret],
    isLive: false,
    local,
    stop: async () => await local.close(),
  };
}
