import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { retrySchedule } from '../../src/dunning/retry-schedule.ts';
import { openGateway, type Gateway } from '../../src/stripe/gateway.ts';
import type { InvoiceName } from '../../src/stripe/issue/invoice-store.ts';
import { issueInvoice } from '../../src/stripe/issue/issue-invoice.ts';
import type { PayContext } from '../../src/stripe/issue/pay-invoice.ts';
import type { RateLimits } from '../../src/stripe/local/http/limits.ts';
import { startLocalStripe, type LocalStripe } from '../../src/stripe/local/local-stripe.ts';
import { limitGateway } from '../../src/stripe/rate-limit.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { freezeInvoice, makeAccount } from './support/billing.ts';
import { virtualTime, type VirtualTime } from './support/virtual-time.ts';
import { START, TEST_KEY } from './support/world.ts';

// One time for Stripe's seconds, our turns and how long a call takes: nothing here depends on the machine.
const CALL_MS = 100;
const CALLERS = 8;

let database: TestDatabase;
let stripe: LocalStripe;
let time: VirtualTime;
beforeAll(async () => {
  database = await freshDatabase();
});
beforeEach(async () => {
  time = virtualTime(START);
  await database.db.deleteFrom('stripe_rate').execute();
});
afterEach(async () => await stripe.close());
afterAll(async () => await database.drop());

async function startStripe(rateLimits: RateLimits): Promise<void> {
  stripe = await startLocalStripe({ clock: time.clock, environment: 'test', rateLimits });
}

/** A process, as far as Stripe and the database can tell. */
function makeProcess(): PayContext {
  const direct = openGateway({ apiKey: TEST_KEY, apiBase: stripe.url, maxNetworkRetries: 0 });
  const slow: Gateway = {
    send: async (request) => {
      const answer = await direct.send(request);
      await time.wait(CALL_MS);
      return answer;
    },
  };
  const { clock, wait } = time;
  const gateway = limitGateway(slow, { db: database.db, clock, wait });
  return { db: database.db, clock, retryAt: retrySchedule(), gateway };
}

/** Two processes work off the backlog, several accounts at a time each, and obey every "not before". */
async function drain(names: readonly InvoiceName[]): Promise<void> {
  const processes = [makeProcess(), makeProcess()];
  const queue = [...names];
  const work = async (process: PayContext): Promise<void> => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      for (;;) {
        const issued = await issueInvoice(process, name);
        if (issued !== 'busy' && issued.state === 'open') break;
        const nextAt = issued === 'busy' ? null : issued.nextAttemptAt;
        await time.wait(Math.max(1, (nextAt?.getTime() ?? 0) - time.clock().getTime()));
      }
    }
  };
  await time.runAll(
    Array.from({ length: CALLERS }, (_, n) => async () => await work(processes[n % 2]!)),
  );
}

async function makeBacklog(what: string, size: number): Promise<InvoiceName[]> {
  const names: InvoiceName[] = [];
  for (let n = 0; n < size; n += 1) {
    await makeAccount(database.db, `${what} ${n}`);
    names.push(await freezeInvoice(database.db, `${what} ${n}`));
  }
  return names;
}

function refusedCalls(): number {
  return stripe.calls().filter(({ status }) => status === 429).length;
}

function secondsTaken(): number {
  return (time.clock().getTime() - START.getTime()) / 1000;
}

test('T12 a backlog drains at our rate, below what Stripe takes: it never has to refuse', async () => {
  await startStripe({ perSecond: 100, perEndpointPerSecond: 25 });
  await drain(await makeBacklog('steady', 40));
  expect(refusedCalls()).toBe(0);
  // Six calls each, with making the customer: 4 s at 60 a second.
  expect(stripe.calls().length).toBe(240);
  expect(secondsTaken()).toBeLessThan(6);
});

test('S05 when Stripe takes a fifth of what we were told, the rate adapts and nothing is lost', async () => {
  await startStripe({ perSecond: 12, perEndpointPerSecond: 3 });
  await drain(await makeBacklog('pushy', 40));
  expect(refusedCalls()).toBeGreaterThan(0);
  expect(refusedCalls()).toBeLessThan(25);
  // 14 s at Stripe's own rate; ours, halved, is somewhat below.
  expect(secondsTaken()).toBeLessThan(60);
});
