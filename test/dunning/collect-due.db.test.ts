import { afterAll, beforeAll, expect, test } from 'vitest';
import { collectDue, collectNow } from '../../src/dunning/collect-due.ts';
import { reviewStanding } from '../../src/dunning/review-standing.ts';
import { setPaymentMethod } from '../../src/stripe/cards/set-payment-method.ts';
import { issueInvoice } from '../../src/stripe/issue/issue-invoice.ts';
import { findInvoice, type InvoiceName } from '../../src/stripe/issue/invoice-store.ts';
import { freezeInvoice, makeAccount } from '../stripe/support/billing.ts';
import { customerOf, dieAt } from '../stripe/support/faulty.ts';
import { openWorld, type World } from '../stripe/support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(async () => await world.close());

async function openInvoice(accountId: string, token: string): Promise<InvoiceName> {
  await makeAccount(world.db, accountId);
  await setPaymentMethod(world.context, { accountId, source: { token } });
  const name = await freezeInvoice(world.db, accountId);
  await issueInvoice(world.context, name);
  await reviewStanding(world.context);
  return name;
}

async function signalsOf(accountId: string): Promise<string[]> {
  const rows = await world.db
    .selectFrom('signal')
    .select('kind')
    .where('account_id', '=', accountId)
    .orderBy('signal_id')
    .execute();
  return rows.map(({ kind }) => kind);
}

async function attemptsOf({ accountId, invoiceId }: InvoiceName) {
  return await world.db
    .selectFrom('payment_attempt')
    .select(['attempt', 'state', 'decline_code', 'started_at'])
    .where('account_id', '=', accountId)
    .where('invoice_id', '=', invoiceId)
    .orderBy('attempt')
    .execute();
}

test('a declined invoice is tried on days 0, 1, 3 and 7, then waits for a card', async () => {
  const name = await openInvoice('declined', 'tok_chargeCustomerFail');
  const start = world.clock().getTime();
  for (let day = 0; day < 12; day += 1) {
    await world.pass({ hours: 24 });
    await collectDue(world.context);
  }
  const days = (await attemptsOf(name)).map(
    ({ started_at: at }) => (at.getTime() - start) / 86_400_000,
  );
  expect(days).toEqual([0, 1, 3, 7]);
  expect(await findInvoice(world.db, name)).toMatchObject({ state: 'open', next_attempt_at: null });
  expect(await signalsOf('declined')).toEqual(['account.past_due']);
});

test('a new card is tried at once, and the account is restored', async () => {
  const name = await openInvoice('new-card', 'tok_chargeCustomerFail');
  expect(await signalsOf('new-card')).toEqual(['account.past_due']);
  await setPaymentMethod(world.context, {
    accountId: 'new-card',
    source: { token: 'tok_mastercard' },
  });
  await collectDue(world.context);
  expect(await findInvoice(world.db, name)).toMatchObject({ state: 'paid', next_attempt_at: null });
  expect(await signalsOf('new-card')).toEqual(['account.past_due', 'account.restored']);
});

for (const point of ['pay:planned', 'pay:answered']) {
  test(`R37 a card set while an attempt is unknown (died at ${point}) is tried at once`, async () => {
    const accountId = `replaced at ${point}`;
    await makeAccount(world.db, accountId);
    const before = await setPaymentMethod(world.context, {
      accountId,
      source: { token: 'tok_visa' },
    });
    world.stripe.setCharges(before.paymentMethodId, 'lost_card');
    const name = await freezeInvoice(world.db, accountId);
    await dieAt(world, point, name);
    await world.pass({ seconds: 200 });
    await setPaymentMethod(world.context, { accountId, source: { token: 'tok_mastercard' } });
    await collectDue(world.context);
    expect(await findInvoice(world.db, name)).toMatchObject({ state: 'paid' });
    expect(await attemptsOf(name)).toMatchObject([{ state: 'failed' }, { state: 'paid' }]);
  });
}

test('a card reported lost is not tried again', async () => {
  await makeAccount(world.db, 'lost');
  const card = await setPaymentMethod(world.context, {
    accountId: 'lost',
    source: { token: 'tok_visa' },
  });
  world.stripe.setCharges(card.paymentMethodId, 'lost_card');
  const name = await freezeInvoice(world.db, 'lost');
  await issueInvoice(world.context, name);
  expect(await findInvoice(world.db, name)).toMatchObject({ state: 'open', next_attempt_at: null });
  expect(await attemptsOf(name)).toMatchObject([{ state: 'failed', decline_code: 'lost_card' }]);
});

test('an account whose unpaid invoice stops with its deleted customer stays past due', async () => {
  const name = await openInvoice('deleted', 'tok_chargeCustomerFail');
  const path = `/v1/customers/${await customerOf(world, 'deleted')}`;
  await world.gateway.send({ method: 'DELETE', path, params: {} });
  await world.hear();
  expect(await findInvoice(world.db, name)).toMatchObject({ state: 'needs_operator' });
  await reviewStanding(world.context);
  expect(await signalsOf('deleted')).toEqual(['account.past_due']);
});

test('who asks to collect now hears of what broke', async () => {
  await openInvoice('asked', 'tok_chargeCustomerFail');
  const send = async () => await Promise.reject(new TypeError('a bug of ours'));
  const broken = collectNow({ ...world.context, gateway: { send } }, 'asked');
  await expect(broken).rejects.toThrow('a bug of ours');
});

test('what a deleted account still owes is collected with the card its owner sets', async () => {
  const name = await openInvoice('closed', 'tok_chargeCustomerFail');
  await world.db
    .updateTable('account')
    .set({ deleted_at: BigInt(Math.floor(world.clock().getTime() / 1000)) })
    .where('account_id', '=', 'closed')
    .execute();
  const source = { token: 'tok_mastercard' };
  await setPaymentMethod(world.context, { accountId: 'closed', source });
  await collectDue(world.context);
  expect(await findInvoice(world.db, name)).toMatchObject({ state: 'paid' });
});

test('an invoice paid on its hosted page is paid here, and never charged again', async () => {
  const name = await openInvoice('page', 'tok_chargeCustomerFail');
  const row = await findInvoice(world.db, name);
  world.stripe.payOnPage(row?.stripe_invoice_id ?? '', 'tok_visa');
  await world.hear();
  expect(await findInvoice(world.db, name)).toMatchObject({ state: 'paid' });
  await reviewStanding(world.context);
  expect(await signalsOf('page')).toEqual(['account.past_due', 'account.restored']);
});
