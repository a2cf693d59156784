import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { retrySchedule } from '../../src/dunning/retry-schedule.ts';
import { openGateway } from '../../src/stripe/gateway.ts';
import { issueDue } from '../../src/stripe/issue/issue-due.ts';
import type { PayContext } from '../../src/stripe/issue/pay-invoice.ts';
import { startLocalStripe } from '../../src/stripe/local/local-stripe.ts';
import { limitGateway } from '../../src/stripe/rate-limit.ts';
import { freezeInvoice, makeAccount } from '../../test/stripe/support/billing.ts';
import { format } from '../figures.ts';
import { wallMs } from '../measure.ts';
import type { Scenario, Size } from '../scenario.ts';

const INVOICES: Readonly<Record<Size, number>> = { small: 40, default: 250, large: 2_000 };
const LINES = [{ description: 'App web', cents: 2_500n }];
/** What Stripe takes in a live account. */
const CALLS_PER_SECOND = 100;
const ENDPOINT_CALLS_PER_SECOND = 25;
/** Of an invoice of an account whose customer exists. */
const CALLS = 5;
const ALLOWED = Math.min(ENDPOINT_CALLS_PER_SECOND, CALLS_PER_SECOND / CALLS);

/** Taking invoices to Stripe by one process, against the rate that Stripe allows. */
export const issue: Scenario = {
  name: 'f',
  about: 'taking invoices to Stripe, against the rate it allows',
  run: async (servers, size) => {
    const { db, drop } = await servers.makeDatabase();
    const clock = (): Date => new Date();
    const stripe = await startLocalStripe({ clock, environment: 'test' });
    const direct = openGateway({ apiKey: 'sk_test_bench', apiBase: stripe.url });
    const gateway = limitGateway(direct, {
      db,
      clock,
      wait: async (ms) => await sleep(ms),
      totalPerSecond: CALLS_PER_SECOND,
      endpointPerSecond: ENDPOINT_CALLS_PER_SECOND,
    });
    const context: PayContext = { db, gateway, clock, retryAt: retrySchedule() };
    const accounts = Array.from({ length: INVOICES[size] }, (_, number) => `account ${number}`);
    for (const account of accounts) {
      await makeAccount(db, account);
      await freezeInvoice(db, account, LINES, { month: 0 });
    }
    // The first invoice makes the customer.
    await issueAll({ ...context, gateway: direct });
    for (const account of accounts) await freezeInvoice(db, account, LINES, { month: 1 });
    const before = stripe.calls().length;
    const ms = await wallMs(async () => await issueAll(context));
    const callsEach = (stripe.calls().length - before) / accounts.length;
    const made = stripe.state()['invoice'] ?? [];
    assert.equal(made.length, 2 * accounts.length);
    for (const { status, total } of made) {
      assert.deepEqual({ status, total }, { status: 'open', total: 2_500 });
    }
    await stripe.close();
    await drop();
    const perSecond = (accounts.length * 1000) / ms;
    return [
      {
        scenario: 'f',
        what: `issuing ${accounts.length} invoices, of the rate allowed`,
        measured: `${format(perSecond)} invoices/s, ${format(callsEach)} calls each`,
        limit: `${ALLOWED} invoices/s`,
        ratio: perSecond / ALLOWED,
        target: { atLeast: 0.8 },
      },
    ];
  },
};

async function issueAll(context: PayContext): Promise<void> {
  while ((await issueDue(context)).tried > 0);
}
