import type { Logger } from 'pino';
import type { Services } from '../cli/context.ts';
import type { Config } from '../config.ts';
import { eventParser } from '../events/parse-event.ts';
import { eventRecorder } from '../metering/record-events.ts';
import { openGateway } from '../stripe/gateway.ts';
import type { Clock } from '../values/clock.ts';
import { bindBilling } from './billing.ts';
import { openDatabase } from './open-database.ts';

/**
 * What a single command needs: the database, and Stripe where a key is set. The local Stripe belongs to a
 * running service, which takes what a command froze there.
 */
export async function openServices(config: Config, clock: Clock, log: Logger): Promise<Services> {
  const { db, stop } = await openDatabase(config, log);
  const { apiKey, apiBase } = config.stripe;
  const gateway = openGateway({
    apiKey: apiKey ?? 'sk_test_none',
    ...(apiBase === undefined ? {} : { apiBase }),
  });
  return {
    db,
    record: eventRecorder({ db, parse: eventParser(config.maxReplicas) }),
    closeAndIssue: async (now, onProgress) => {
      const billing = bindBilling({ db, gateway, clock }, config, log);
      const closed = await billing.close(now, ({ periods, invoices }) =>
        onProgress(`${periods} periods closed, ${invoices} invoices frozen so far`),
      );
      if (apiKey === undefined) {
        onProgress('No STRIPE_API_KEY: a running `gigameter start` takes the invoices further.');
        return closed;
      }
      await billing.issue();
      await billing.collect();
      return closed;
    },
    stop,
  };
}
