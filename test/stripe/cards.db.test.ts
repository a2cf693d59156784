import { afterAll, beforeAll, expect, test } from 'vitest';
import { findCard } from '../../src/stripe/cards/card-setup-store.ts';
import { startCheckout } from '../../src/stripe/cards/checkout.ts';
import { setPaymentMethod } from '../../src/stripe/cards/set-payment-method.ts';
import { upgradeAccount } from '../../src/stripe/cards/upgrade-account.ts';
import { makeAccount } from './support/billing.ts';
import { newestId } from './support/faulty.ts';
import { openWorld, type World } from './support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(async () => await world.close());

async function setToken(accountId: string, token: string) {
  return await setPaymentMethod(world.context, { accountId, source: { token } });
}

function attachedCards(accountId: string): unknown[] {
  const state = world.stripe.state();
  const customer = state['customer']?.find(({ name }) => name === accountId);
  return (state['payment_method'] ?? [])
    .filter((method) => method['customer'] === customer?.['id'])
    .map(({ id }) => id);
}

test('R36 a token becomes a card: brand, last four digits and expiry are kept, and nothing else', async () => {
  await makeAccount(world.db, 'token');
  const { id: token } = world.stripe.mintToken('tok_visa');
  const card = await setToken('token', token);
  expect(card).toMatchObject({ brand: 'visa', last4: '4242' });
  expect(card.expMonth).toBeGreaterThan(0);
  const rows = await world.db
    .selectFrom('stripe_customer')
    .selectAll()
    .where('account_id', '=', 'token')
    .execute();
  const texts = JSON.stringify(rows.map((row) => ({ ...row, fingerprint: null })));
  expect(texts).not.toMatch(/\d{12,}/);
  expect(attachedCards('token')).toEqual([card.paymentMethodId]);
});

test('repeating a request with the same token changes nothing, even where tokens work once', async () => {
  await makeAccount(world.db, 'repeat');
  const { id: token } = world.stripe.mintToken('tok_visa');
  const card = await setToken('repeat', token);
  const before = world.stripe.calls().length;
  expect(await setToken('repeat', token)).toEqual(card);
  expect(world.stripe.calls().length).toBe(before);
});

test('R37 a new card replaces the old one, which is let go', async () => {
  await makeAccount(world.db, 'replace');
  await setToken('replace', 'tok_visa');
  const second = await setToken('replace', 'tok_mastercard');
  expect(await findCard(world.db, 'replace')).toMatchObject({ last4: '4444' });
  expect(attachedCards('replace')).toEqual([second.paymentMethodId]);
  const third = await setToken('replace', 'tok_visa');
  expect(third).toMatchObject({ last4: '4242' });
  expect(attachedCards('replace')).toEqual([third.paymentMethodId]);
});

test('R37 late news of a card that was given up for another one does not bring it back', async () => {
  await makeAccount(world.db, 'late');
  world.stripe.faults.add({ kind: 'hold', event: 'setup_intent.succeeded' });
  world.stripe.faults.add({ kind: 'drop_after', path: '/v1/setup_intents', times: 2 });
  await expect(setToken('late', 'tok_visa')).rejects.toMatchObject({ kind: 'unavailable' });
  await world.pass({ seconds: 60 });
  const card = await setToken('late', 'tok_mastercard');
  world.stripe.faults.clear();
  await world.hear();
  expect(await findCard(world.db, 'late')).toEqual(card);
  expect(card).toMatchObject({ last4: '4444' });
});

test('a payment method made in the browser is taken as well', async () => {
  await makeAccount(world.db, 'method');
  const source = { paymentMethodId: 'pm_card_amex' };
  const card = await setPaymentMethod(world.context, { accountId: 'method', source });
  expect(card).toMatchObject({ brand: 'amex' });
});

test("a card the bank declines is refused with the bank's words, and the old one stays", async () => {
  await makeAccount(world.db, 'declined');
  await setToken('declined', 'tok_visa');
  await expect(setToken('declined', 'tok_visa_chargeDeclined')).rejects.toMatchObject({
    kind: 'invalid',
    code: 'card_declined',
    message: expect.stringContaining('declined'),
  });
  expect(await findCard(world.db, 'declined')).toMatchObject({ last4: '4242' });
});

test('unknown tokens, used tokens, other texts and unknown accounts are refused', async () => {
  await makeAccount(world.db, 'unknown');
  for (const token of ['tok_nothing', 'no token at all', '']) {
    await expect(setToken('unknown', token), token).rejects.toMatchObject({ code: 'card_unknown' });
  }
  await expect(setToken('nobody', 'tok_visa')).rejects.toMatchObject({ code: 'account_unknown' });
  const { id: token } = world.stripe.mintToken('tok_visa');
  await makeAccount(world.db, 'first');
  await setToken('first', token);
  await expect(setToken('unknown', token)).rejects.toMatchObject({ kind: 'invalid' });
  expect(await findCard(world.db, 'unknown')).toBeUndefined();
});

test('a card whose bank wants to ask the customer goes through a Checkout page', async () => {
  await makeAccount(world.db, 'asks');
  await expect(setToken('asks', 'tok_threeDSecure2Required')).rejects.toMatchObject({
    code: expect.stringMatching(/card_needs_customer|card_declined/),
  });
  expect(await findCard(world.db, 'asks')).toBeUndefined();
  const urls = { successUrl: 'https://example.com/ok', cancelUrl: 'https://example.com/no' };
  const { url } = await startCheckout(world.context, { accountId: 'asks', urls });
  expect(url).toMatch(/^http/);
  expect(await findCard(world.db, 'asks')).toBeUndefined();
  world.stripe.completeCheckout(newestId(world, 'checkout.session'), 'tok_visa');
  await world.hear();
  expect(await findCard(world.db, 'asks')).toMatchObject({ last4: '4242' });
});

test('a Checkout page that nobody finishes expires without a trace on the card', async () => {
  await makeAccount(world.db, 'expires');
  const card = await setToken('expires', 'tok_visa');
  const urls = { successUrl: 'https://example.com/ok', cancelUrl: 'https://example.com/no' };
  await startCheckout(world.context, { accountId: 'expires', urls });
  await world.pass({ hours: 25 });
  await world.hear();
  expect(await findCard(world.db, 'expires')).toEqual(card);
  const setups = await world.db
    .selectFrom('card_setup')
    .select('state')
    .where('account_id', '=', 'expires')
    .orderBy('state')
    .execute();
  expect(setups.map(({ state }) => state)).toEqual(['done', 'refused']);
});

test('while Stripe is down a card cannot be set; the same request later goes on where it was', async () => {
  await makeAccount(world.db, 'down');
  const { id: token } = world.stripe.mintToken('tok_visa');
  const setupIntents = { method: 'POST', path: '/v1/setup_intents' };
  world.stripe.faults.add({ kind: 'error_500_after', ...setupIntents });
  await expect(setToken('down', token)).rejects.toMatchObject({ kind: 'unavailable' });
  expect(await setToken('down', token)).toMatchObject({ last4: '4242' });
  expect(attachedCards('down').length).toBe(1);
});

test('R25 an upgrade needs a card first, and happens once', async () => {
  await makeAccount(world.db, 'upgrade', { isUpgraded: false });
  const recorded: string[] = [];
  const context = {
    ...world.context,
    recordUpgrade: async ({ accountId, at }: { accountId: string; at: Date }) => {
      recorded.push(accountId);
      await world.db
        .updateTable('account')
        .set({ upgraded_at: BigInt(at.getTime() / 1000) })
        .where('account_id', '=', accountId)
        .execute();
    },
  };
  await expect(upgradeAccount(context, 'upgrade')).rejects.toMatchObject({
    kind: 'conflict',
    code: 'no_payment_method',
  });
  expect(recorded).toEqual([]);
  await setToken('upgrade', 'tok_visa');
  await upgradeAccount(context, 'upgrade');
  await expect(upgradeAccount(context, 'upgrade')).rejects.toMatchObject({
    code: 'already_upgraded',
  });
  expect(recorded).toEqual(['upgrade']);
  await expect(upgradeAccount(context, 'nobody')).rejects.toMatchObject({ kind: 'not_found' });
});
