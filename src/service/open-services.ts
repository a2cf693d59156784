import type { Logger } from 'pino';
import { requireAccount } from '../accounts/require-account.ts';
import type { Services } from '../cli/context.ts';
import type { Config } from '../config.ts';
import { eventParser } from '../events/parse-event.ts';
import { eventRecorder, recorderWithin } from '../metering/record-events.ts';
import { platformRecording } from '../platform/recording.ts';
import type { Clock } from '../values/clock.ts';
import { Fault } from '../values/fault.ts';
import { counted } from '../values/text.ts';
import { bindBilling } from './billing.ts';
import { openDatabase } from './open-database.ts';
import { stripeGateway } from './stripe-gateway.ts';

const NO_KEY =
  'set STRIPE_API_KEY to the key of the Stripe account to compare with (and STRIPE_API_BASE, if it is not ' +
  'at Stripe). The local Stripe lives within `gigameter start`, which compares with it every night.';

/**
 * What a single command needs: the database, and Stripe where a key is set. The local Stripe belongs to a
 * running service, which takes what a command froze there.
 */
export async function openServices(config: Config, clock: Clock, log: Logger): Promise<Services> {
  const { db, stop } = await openDatabase(config, log);
  const { apiKey } = config.stripe;
  const gateway = stripeGateway(config.stripe, apiKey ?? 'sk_test_none', { db, clock });
  const recording = platformRecording(eventParser(config.maxReplicas));
  const billing = bindBilling({ db, gateway, clock }, config, log);
  return {
    db,
    url: `http://${config.host}:${config.port}`,
    record: eventRecorder({ db, ...recording }),
    recordWithin: recorderWithin(recording),
    closeAndIssue: async (now, until, onProgress) => {
      const closed = await billing.close(now, {
        until,
        onProgress: ({ periods, invoices }) =>
          onProgress(
            `${counted(periods, 'period')} closed, ${counted(invoices, 'invoice')} frozen so far`,
          ),
      });
      if (apiKey === undefined) {
        onProgress('No STRIPE_API_KEY: a running `gigameter start` takes the invoices further.');
        return closed;
      }
      await billing.issue();
      await billing.collect();
      return closed;
    },
    reconcile: async (accountId) => {
      if (apiKey === undefined) throw new Fault('invalid', 'invalid_setting', NO_KEY);
      if (accountId !== undefined) await requireAccount(db, accountId);
      return await billing.reconcile(accountId);
    },
    stop,
  };
}
