import { afterAll, beforeAll, expect, test } from 'vitest';
import { setPaymentMethod } from '../../src/stripe/cards/set-payment-method.ts';
import { reconcile } from '../../src/stripe/checks/reconcile.ts';
import { findInvoice } from '../../src/stripe/issue/invoice-store.ts';
import { resumeInvoice } from '../../src/stripe/issue/resume-invoice.ts';
import { syncCustomer } from '../../src/stripe/news/sync-customer.ts';
import { issueInvoice } from '../../src/stripe/issue/issue-invoice.ts';
import { freezeInvoice, makeAccount } from './support/billing.ts';
import { settle } from './support/drive.ts';
import { billed, customerOf, dieAt, stripeIdOf } from './support/faulty.ts';
import { countedInvoices, expectPaidOnce } from './support/once.ts';
import { openWorld, type World } from './support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld({ hasWebhooks: false });
});
afterAll(async () => await world.close());

function invoiceCalls(): number {
  return world.stripe.calls({ path: /^\/v1\/invoices/ }).length;
}

test('S10 an item that waits for the customer stays out of our invoice', async () => {
  const name = await billed(world, 'pending item');
  const customer = await customerOf(world, 'pending item');
  await world.gateway.send({
    method: 'POST',
    path: '/v1/invoiceitems',
    params: { customer, amount: 999, currency: 'usd' },
  });
  await settle(world);
  await expectPaidOnce(world, name);
});

test('S10 what somebody adds between our reading and finalizing is never charged', async () => {
  const name = await billed(world, 'sneaked in');
  await dieAt(world, 'finalize:planned', name);
  await world.gateway.send({
    method: 'POST',
    path: `/v1/invoices/${await stripeIdOf(world, name)}/add_lines`,
    params: { lines: [{ amount: 700, description: 'by hand' }] },
  });
  await world.pass({ seconds: 200 });
  await settle(world);
  expect(await findInvoice(world.db, name)).toMatchObject({
    state: 'needs_operator',
    state_reason: 'finalized at 3200 cents by Stripe',
  });
  expect(countedInvoices(world, name)).toMatchObject([{ status: 'open', amount_paid: 0 }]);
});

test('S13 an amount below the minimum charge never goes to Stripe', async () => {
  const name = await billed(world, 'too small', [{ description: 'App', cents: 49n }]);
  const before = invoiceCalls();
  await settle(world);
  expect(await findInvoice(world.db, name)).toMatchObject({
    state: 'needs_operator',
    state_reason: 'Stripe cannot charge 49 cents',
  });
  expect(invoiceCalls()).toBe(before);
});

test('S14 a settled invoice over nothing causes no call', async () => {
  const name = await billed(world, 'zero', [{ description: 'App', cents: 0n }]);
  await world.db
    .updateTable('invoice')
    .set({ state: 'settled' })
    .where('account_id', '=', 'zero')
    .execute();
  const before = invoiceCalls();
  await settle(world);
  expect(await issueInvoice(world.context, name)).toMatchObject({ state: 'settled' });
  expect(invoiceCalls()).toBe(before);
});

test('S15 more lines than Stripe takes are put together, and the total stays exact', async () => {
  const lines = Array.from({ length: 260 }, (_, n) => ({
    description: `App ${n}`,
    cents: BigInt(n),
  }));
  const name = await billed(world, 'many lines', lines);
  await settle(world);
  expect(await findInvoice(world.db, name)).toMatchObject({ state: 'paid', total_cents: 33_670n });
  expect(countedInvoices(world, name)).toMatchObject([
    { status: 'paid', total: 33_670, lines: { total_count: 200 } },
  ]);
});

test('S16 81 lines of odd cents arrive to the cent', async () => {
  const lines = Array.from({ length: 81 }, (_, n) => ({
    description: `App ${n}`,
    cents: 81n - BigInt(n % 2),
  }));
  const name = await billed(world, 'odd cents', lines);
  await settle(world);
  await expectPaidOnce(world, name);
});

test('S17 a deleted customer, a missing card and a wrong currency stop only their own invoices', async () => {
  const deleted = await billed(world, 'deleted customer');
  const customer = await customerOf(world, 'deleted customer');
  const path = `/v1/customers/${customer}`;
  await world.gateway.send({ method: 'DELETE', path, params: {} });
  const currency = await billed(world, 'wrong currency');
  await dieAt(world, 'verify:begin', currency);
  world.stripe.edit(await stripeIdOf(world, currency), { currency: 'eur' });
  await makeAccount(world.db, 'cardless');
  const cardless = await freezeInvoice(world.db, 'cardless');
  const fine = await billed(world, 'fine');
  await world.pass({ seconds: 200 });
  await settle(world);
  await expectPaidOnce(world, fine);
  expect(await findInvoice(world.db, deleted)).toMatchObject({
    state: 'needs_operator',
    state_reason: expect.stringContaining('customer'),
  });
  expect(await findInvoice(world.db, currency)).toMatchObject({
    state: 'needs_operator',
    state_reason: 'at Stripe: currency is eur, not usd',
  });
  expect(await findInvoice(world.db, cardless)).toMatchObject({
    state: 'open',
    state_reason: 'no card',
  });
});

test('S17 once what was wrong is mended, an operator lets the invoice go on, under a new key', async () => {
  const name = await billed(world, 'mended');
  const customer = await customerOf(world, 'mended');
  await world.gateway.send({ method: 'DELETE', path: `/v1/customers/${customer}`, params: {} });
  await settle(world);
  expect(await findInvoice(world.db, name)).toMatchObject({ state: 'needs_operator' });
  await syncCustomer(world.context, customer);
  const source = { token: 'tok_visa' };
  await setPaymentMethod(world.context, { accountId: 'mended', source });
  await resumeInvoice(world.context, name);
  await settle(world);
  await expectPaidOnce(world, name);
});

test('S18 a balance at Stripe that would change what is charged stops the invoice', async () => {
  const name = await billed(world, 'balance');
  const customer = await customerOf(world, 'balance');
  await world.gateway.send({
    method: 'POST',
    path: `/v1/customers/${customer}`,
    params: { balance: -700 },
  });
  await settle(world);
  expect(await findInvoice(world.db, name)).toMatchObject({
    state: 'needs_operator',
    state_reason: "at Stripe: the customer's balance at Stripe is -700, not 0",
  });
  const report = await reconcile(world.context, { accountId: 'balance' });
  expect(report.accounts[0]?.drift.map(({ kind, cents }) => [kind, cents])).toEqual([
    ['customer_balance', -700n],
    ['needs_operator', 0n],
  ]);
});
