import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { retrySchedule } from '../../src/dunning/retry-schedule.ts';
import { openGateway } from '../../src/stripe/gateway.ts';
import type { InvoiceName } from '../../src/stripe/issue/invoice-store.ts';
import { issueDue } from '../../src/stripe/issue/issue-due.ts';
import { startLocalStripe, type LocalStripe } from '../../src/stripe/local/local-stripe.ts';
import { limitGateway } from '../../src/stripe/rate-limit.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { until } from '../support/until.ts';
import { freezeInvoice, makeAccount } from './support/billing.ts';
import { START, TEST_KEY } from './support/world.ts';

let database: TestDatabase;
let stripe: LocalStripe;
const wallClock = (): Date => new Date();
beforeAll(async () => {
  database = await freshDatabase();
});
afterEach(async () => await stripe.close());
afterAll(async () => await database.drop());

/** A Stripe that counts real seconds. */
async function startStripe(perEndpointPerSecond: number): Promise<void> {
  stripe = await startLocalStripe({
    clock: () => START,
    environment: 'test',
    rateLimits: { perSecond: perEndpointPerSecond * 3, perEndpointPerSecond, clock: 'real' },
  });
}

/** Two worker processes, as far as Stripe and the database can tell. */
async function drain(perSecond: number, names: readonly InvoiceName[]): Promise<void> {
  let nowMs = START.getTime();
  const makeContext = () => ({
    db: database.db,
    clock: () => new Date(nowMs),
    retryAt: retrySchedule(),
    gateway: limitGateway(
      openGateway({ apiKey: TEST_KEY, apiBase: stripe.url, maxNetworkRetries: 0 }),
      {
        db: database.db,
        clock: wallClock,
        wait,
        totalPerSecond: perSecond * 3,
        endpointPerSecond: perSecond,
      },
    ),
  });
  const workers = [makeContext(), makeContext()];
  await until(
    'the backlog is drained',
    async () => {
      await Promise.all(workers.map(async (worker) => await issueDue(worker)));
      nowMs += 60_000;
      return (await openCount(names)) === names.length;
    },
    60_000,
  );
}

async function openCount(names: readonly InvoiceName[]): Promise<number> {
  const rows = await database.db
    .selectFrom('invoice')
    .select('invoice_id')
    .where('state', '=', 'open')
    .where(
      'invoice_id',
      'in',
      names.map(({ invoiceId }) => invoiceId),
    )
    .execute();
  return rows.length;
}

async function makeBacklog(what: string): Promise<InvoiceName[]> {
  const names: InvoiceName[] = [];
  for (let n = 0; n < 12; n += 1) {
    await makeAccount(database.db, `${what} ${n}`);
    names.push(await freezeInvoice(database.db, `${what} ${n}`));
  }
  return names;
}

test('T12 a backlog drains below the configured rate: Stripe never has to refuse', async () => {
  await startStripe(25);
  await drain(20, await makeBacklog('steady'));
  expect(stripe.calls().filter(({ status }) => status === 429)).toEqual([]);
}, 60_000);

test('S05 when Stripe takes less than we were told, the rate adapts and nothing is lost', async () => {
  await startStripe(6);
  await drain(100, await makeBacklog('pushy'));
  const refused = stripe.calls().filter(({ status }) => status === 429).length;
  expect(refused).toBeGreaterThan(0);
  expect(refused).toBeLessThan(60);
}, 60_000);
