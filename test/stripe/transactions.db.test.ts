import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCheckout } from '../../src/stripe/cards/checkout.ts';
import { setPaymentMethod } from '../../src/stripe/cards/set-payment-method.ts';
import { reconcile } from '../../src/stripe/checks/reconcile.ts';
import { sweep } from '../../src/stripe/checks/sweep.ts';
import type { Gateway } from '../../src/stripe/gateway.ts';
import { processStripeEvents } from '../../src/stripe/news/process-stripe-events.ts';
import { limitGateway } from '../../src/stripe/rate-limit.ts';
import { giveMoneyBack } from '../../src/stripe/refunds/give-money-back.ts';
import { openPool } from '../../src/database/pool.ts';
import { freezeInvoice, makeAccount } from './support/billing.ts';
import { work } from './support/drive.ts';
import { newestId, stripeIdOf } from './support/faulty.ts';
import { openWorld, type World } from './support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(async () => await world.close());

test('D06 no transaction is open while Stripe is called, whatever for', async () => {
  const observer = openPool({ url: world.database.url, max: 1, log: console.error });
  const seen: { path: string; open: number }[] = [];
  const watched: Gateway = {
    send: async (request) => {
      // One held over a call is idle; statements that others just run, such as storing news, are not.
      const { rows } = await observer.query<{ count: bigint }>(
        `select count(*) as count from pg_stat_activity
         where datname = current_database() and state like 'idle in transaction%'`,
      );
      seen.push({ path: request.path, open: Number(rows[0]?.count) });
      return await world.gateway.send(request);
    },
  };
  const gateway = limitGateway(watched, { db: world.db, clock: world.clock, wait: async () => {} });
  const context = { ...world.context, gateway, notYetInvoiced: async () => 0n };
  const accountId = 'watched';
  await makeAccount(world.db, accountId);
  await setPaymentMethod(context, { accountId, source: { token: 'tok_visa' } });
  await setPaymentMethod(context, { accountId, source: { token: 'tok_mastercard' } });
  const urls = { successUrl: 'https://example.com/ok', cancelUrl: 'https://example.com/no' };
  await startCheckout(context, { accountId, urls });
  world.stripe.completeCheckout(newestId(world, 'checkout.session'), 'tok_visa');
  const name = await freezeInvoice(world.db, accountId);
  await work(context);
  const request = { accountId, moneyBackId: 'mb', amountCents: 500n, actor: 'me', reason: 'test' };
  await giveMoneyBack(context, request);
  world.stripe.dispute(await stripeIdOf(world, name));
  await world.stripe.drainWebhooks();
  // One at a time: the transaction of one would count against the call of another.
  await processStripeEvents(context, { concurrency: 1 });
  await reconcile(context);
  await reconcile(context, { accountId });
  await sweep(context);
  await observer.end();
  const kinds = [
    'checkout',
    'customers',
    'disputes',
    'payment_methods',
    'setup_intents',
    'invoices',
    'credit_notes',
    'refunds',
    'events',
  ];
  for (const kind of kinds) {
    expect(
      seen.some(({ path }) => path.startsWith(`/v1/${kind}`)),
      kind,
    ).toBe(true);
  }
  expect(seen.filter(({ open }) => open > 0)).toEqual([]);
});
