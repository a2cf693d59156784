import { afterAll, beforeAll, expect, test } from 'vitest';
import { findCard } from '../../src/stripe/cards/card-setup-store.ts';
import { setPaymentMethod } from '../../src/stripe/cards/set-payment-method.ts';
import { findUnresolvedDrift } from '../../src/stripe/drift.ts';
import { findInvoice, type InvoiceName } from '../../src/stripe/issue/invoice-store.ts';
import { issueInvoice } from '../../src/stripe/issue/issue-invoice.ts';
import { freezeInvoice, makeAccount } from './support/billing.ts';
import { settle } from './support/drive.ts';
import { billed, customerOf, dieAt, stripeIdOf } from './support/faulty.ts';
import { expectPaidOnce } from './support/once.ts';
import { openWorld, type World } from './support/world.ts';

// What people do at Stripe without us: heard of, taken over where money or a card is concerned, and reported.

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(async () => await world.close());

async function post(path: string, params = {}): Promise<void> {
  await world.gateway.send({ method: 'POST', path, params });
}

async function driftOf(accountId: string): Promise<[string, bigint][]> {
  const found = await findUnresolvedDrift(world.db, { accountId });
  return found.map(({ kind, cents }) => [kind, cents]);
}

async function declined(accountId: string): Promise<InvoiceName> {
  await makeAccount(world.db, accountId);
  const source = { token: 'tok_chargeCustomerFail' };
  await setPaymentMethod(world.context, { accountId, source });
  const name = await freezeInvoice(world.db, accountId);
  await issueInvoice(world.context, name);
  await world.hear();
  return name;
}

test('an invoice given up by hand is reported, not tried again, and can still be paid', async () => {
  const name = await declined('given up');
  await post(`/v1/invoices/${await stripeIdOf(world, name)}/mark_uncollectible`);
  await world.hear();
  expect(await findInvoice(world.db, name)).toMatchObject({
    state: 'uncollectible',
    next_attempt_at: null,
  });
  expect(await driftOf('given up')).toEqual([['invoice_uncollectible', -2_500n]]);
  world.stripe.payOnPage(await stripeIdOf(world, name), 'tok_visa');
  await world.hear();
  await expectPaidOnce(world, name);
});

test('a draft deleted by hand stops its invoice for an operator', async () => {
  const name = await billed(world, 'draft deleted');
  await dieAt(world, 'verify:begin', name);
  const path = `/v1/invoices/${await stripeIdOf(world, name)}`;
  await world.gateway.send({ method: 'DELETE', path, params: {} });
  await world.hear();
  expect(await findInvoice(world.db, name)).toMatchObject({
    state: 'needs_operator',
    state_reason: 'its draft was deleted at Stripe',
  });
  expect(await driftOf('draft deleted')).toEqual([['invoice_deleted', -2_500n]]);
});

test('a draft finalized by hand is verified like any other before it is collected', async () => {
  const name = await billed(world, 'finalized');
  await dieAt(world, 'verify:begin', name);
  await post(`/v1/invoices/${await stripeIdOf(world, name)}/finalize`);
  await world.hear();
  expect(await driftOf('finalized')).toEqual([['invoice_finalized', 0n]]);
  await world.pass({ seconds: 200 });
  await settle(world);
  await expectPaidOnce(world, name);
});

test('an invoice made by hand is reported when it is for a customer of ours, else left alone', async () => {
  await billed(world, 'by hand');
  await world.hear();
  const customer = await customerOf(world, 'by hand');
  await post('/v1/invoices', { customer, currency: 'usd' });
  expect((await world.hear()).byOutcome).toEqual({ 'by hand': 1 });
  expect(await driftOf('by hand')).toEqual([['invoice_by_hand', 0n]]);
  const made = await world.gateway.send({ method: 'POST', path: '/v1/customers', params: {} });
  const foreign = made.outcome === 'ok' && 'id' in made.body ? String(made.body.id) : '';
  await post('/v1/invoices', { customer: foreign, currency: 'usd' });
  expect((await world.hear()).byOutcome).toMatchObject({ foreign: 1 });
  expect(await driftOf('')).toEqual([]);
});

test('a card that was changed at Stripe shows as it is; one that was taken off is asked for again', async () => {
  const name = await billed(world, 'card');
  const { paymentMethodId } = (await findCard(world.db, 'card'))!;
  await post(`/v1/payment_methods/${paymentMethodId}`, { card: { exp_month: 7, exp_year: 2040 } });
  await world.hear();
  expect(await findCard(world.db, 'card')).toMatchObject({ expMonth: 7, expYear: 2040 });
  await post(`/v1/payment_methods/${paymentMethodId}/detach`);
  await world.hear();
  expect(await findCard(world.db, 'card')).toBeUndefined();
  const kept = world.db
    .selectFrom('stripe_customer')
    .select(['brand', 'last4', 'exp_year', 'fingerprint'])
    .where('account_id', '=', 'card');
  expect(await kept.execute()).toEqual([
    { brand: null, last4: null, exp_year: null, fingerprint: null },
  ]);
  await settle(world);
  expect(await findInvoice(world.db, name)).toMatchObject({
    state: 'open',
    state_reason: 'no card',
  });
  await setPaymentMethod(world.context, { accountId: 'card', source: { token: 'tok_visa' } });
  await settle(world);
  await expectPaidOnce(world, name);
});
