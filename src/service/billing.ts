import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { Db } from '../database/pool.ts';
import { collectDue } from '../dunning/collect-due.ts';
import { retrySchedule } from '../dunning/retry-schedule.ts';
import { closeDuePeriods, type Closed, type Closing } from '../invoicing/close-periods.ts';
import type { Gateway } from '../stripe/gateway.ts';
import { issueDue, type BatchResult } from '../stripe/issue/issue-due.ts';
import { reconcile, type Report } from '../stripe/checks/reconcile.ts';
import { sweep } from '../stripe/checks/sweep.ts';
import { processStripeEvents } from '../stripe/news/process-stripe-events.ts';
import { Unanswered } from '../stripe/read.ts';
import { refundDue } from '../stripe/refunds/run-refund.ts';
import type { Clock } from '../values/clock.ts';
import { Fault } from '../values/fault.ts';
import { usageDrift } from './usage-drift.ts';

/** The verbs that make money, bound to their dependencies. Each is safe to run twice and anywhere. */
export type Billing = {
  readonly close: (
    now: Date,
    options?: Pick<Closing, 'until' | 'onProgress'>,
  ) => Promise<Closed & Failures>;
  /** Takes frozen invoices to Stripe until none is left that can go on now. */
  readonly issue: () => Promise<void>;
  /** Tries what is unpaid and due. */
  readonly collect: () => Promise<void>;
  /** Makes refunds that are planned but could not be made at once. */
  readonly refund: () => Promise<void>;
  /** Works off what Stripe told us. */
  readonly readNews: () => Promise<void>;
  /** Deletes stray drafts and fetches news that did not reach us. */
  readonly sweep: () => Promise<void>;
  /** Compares what was metered, billed, booked and collected; of all accounts when none is named. */
  readonly reconcile: (accountId?: string) => Promise<Report>;
};

export type Failures = {
  readonly failures: readonly { readonly account: string; readonly reason: string }[];
};

export function bindBilling(
  { db, gateway, clock }: { readonly db: Db; readonly gateway: Gateway; readonly clock: Clock },
  config: Pick<Config, 'closeGraceSeconds' | 'stripe'>,
  log: Logger,
): Billing {
  const context = {
    db,
    gateway,
    clock,
    retryAt: retrySchedule(config.stripe.paymentAttemptDays),
  };
  const untilDry = async (what: string, batch: () => Promise<BatchResult>): Promise<void> => {
    for (;;) {
      const { tried, byState, isBarred, failures } = await batch();
      if (tried > 0) log.info({ byState }, what);
      for (const { error, ...which } of failures)
        log.error({ err: error, ...which }, 'it broke; it comes again, and the others go on');
      if (isBarred) log.error('Stripe does not accept our key: nothing is collected until it does');
      if (tried === 0 || isBarred || tried === byState.busy) return;
    }
  };
  return {
    close: async (now, options) => {
      const failures: { account: string; reason: string }[] = [];
      const closed = await closeDuePeriods(db, now, {
        ...options,
        graceSeconds: config.closeGraceSeconds,
        onFailure: (account, error) => {
          log.error({ err: error, account }, 'a period could not be closed');
          failures.push({
            account,
            reason: error instanceof Error ? error.message : String(error),
          });
        },
      });
      if (closed.periods > 0) log.info(closed, 'periods closed');
      return { ...closed, failures };
    },
    issue: async () => await untilDry('invoices issued', async () => await issueDue(context)),
    refund: async () => await untilDry('refunds made', async () => await refundDue(context)),
    collect: async () =>
      await untilDry('payments attempted', async () => await collectDue(context)),
    readNews: async () => {
      for (;;) {
        const { processed } = await processStripeEvents(context);
        if (processed === 0) return;
      }
    },
    sweep: async () => {
      const swept = await sweep(context);
      if (swept.deletedDrafts + swept.recoveredEvents > 0) log.warn(swept, 'swept at Stripe');
    },
    reconcile: async (accountId) => {
      const checkUsage = async (only: string | undefined, since: Date) =>
        await usageDrift(db, only, since);
      const scope = accountId === undefined ? {} : { accountId };
      const report = await reconcile({ ...context, checkUsage }, scope).catch(toUnavailable);
      for (const { accountId: account, cents, drift } of report.accounts) {
        const kinds = drift.map(({ kind }) => kind);
        log.error({ account, cents: String(cents), kinds }, 'drift: see `gigameter reconcile`');
      }
      return report;
    },
  };
}

function toUnavailable(error: unknown): never {
  if (!(error instanceof Unanswered)) throw error;
  const message = `Stripe cannot be read to the end right now: ${error.message}`;
  throw new Fault('unavailable', 'stripe_unavailable', message);
}
