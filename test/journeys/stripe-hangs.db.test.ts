import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { setPaymentMethod } from '../../src/stripe/cards/set-payment-method.ts';
import { freezeInvoice, makeAccount } from '../stripe/support/billing.ts';
import { settle } from '../stripe/support/drive.ts';
import { expectPaidOnce } from '../stripe/support/once.ts';
import { openWorld, TEST_KEY, type World } from '../stripe/support/world.ts';
import { endServing, startServing } from '../support/serving.ts';
import { until } from '../support/until.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld({ hasWebhooks: false });
});
afterEach(endServing);
afterAll(async () => await world.close());

test('S02 a service whose payment hangs at Stripe stops when told, and the invoice is paid once', async () => {
  await makeAccount(world.db, 'hung');
  await setPaymentMethod(world.context, { accountId: 'hung', source: { token: 'tok_visa' } });
  const name = await freezeInvoice(world.db, 'hung');
  world.stripe.faults.add({ kind: 'hang_after', method: 'POST', path: '/v1/invoices/*/pay' });
  const { child } = await startServing({
    DATABASE_URL: world.database.url,
    STRIPE_API_KEY: TEST_KEY,
    STRIPE_API_BASE: world.stripe.url,
    // Ten seconds before a call is given up.
    SHUTDOWN_SECONDS: '3',
  });
  await until('Stripe has the payment and says nothing', () =>
    world.stripe.state()['invoice']?.some(({ status }) => status === 'paid'),
  );
  child.kill('SIGTERM');
  await once(child, 'exit');
  expect(child.exitCode).toBe(1);
  world.stripe.faults.release();
  // To the clock of the process, and on until its lease has run out.
  await world.pass({ seconds: (Date.now() - world.clock().getTime()) / 1000 + 600 });
  await settle(world);
  await expectPaidOnce(world, name);
});
