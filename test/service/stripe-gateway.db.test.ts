import { afterAll, beforeAll, expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { stripeGateway } from '../../src/service/stripe-gateway.ts';
import { openWorld, type World } from '../stripe/support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld({ hasWebhooks: false });
});
afterAll(async () => await world.close());

/** How many milliseconds apart calls leave, all of them and those of one kind. */
async function spacing(apiKey: string, settings: Readonly<Record<string, string>>) {
  await world.db.deleteFrom('stripe_rate').execute();
  const { stripe } = readConfig({ STRIPE_API_BASE: world.stripe.url, ...settings });
  // A live key is refused by the local Stripe: that its turn was taken is enough here.
  await stripeGateway(stripe, apiKey, world).send({
    method: 'GET',
    path: '/v1/invoices',
    params: {},
  });
  const rows = await world.db.selectFrom('stripe_rate').select(['bucket', 'free_at']).execute();
  return Object.fromEntries(
    rows.map(({ bucket, free_at }) => [bucket, free_at.getTime() - world.clock().getTime()]),
  );
}

test('the service keeps below the rates of its settings, or below what its kind of key is good for', async () => {
  expect(await spacing('sk_test_1', {})).toEqual({ '*': 50, 'GET /v1/invoices': 66 });
  expect(await spacing('rk_live_1', {})).toEqual({ '*': 16, 'GET /v1/invoices': 66 });
  const settings = { STRIPE_CALLS_PER_SECOND: '4', STRIPE_ENDPOINT_CALLS_PER_SECOND: '2' };
  expect(await spacing('rk_live_1', settings)).toEqual({ '*': 250, 'GET /v1/invoices': 500 });
});
