import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { sweep } from '../../src/stripe/checks/sweep.ts';
import { openGateway } from '../../src/stripe/gateway.ts';
import { findInvoice, type InvoiceName } from '../../src/stripe/issue/invoice-store.ts';
import { issueDue } from '../../src/stripe/issue/issue-due.ts';
import { issueInvoice } from '../../src/stripe/issue/issue-invoice.ts';
import { issueCrashPoints } from '../../src/stripe/issue/issue-steps.ts';
import type { PayContext } from '../../src/stripe/issue/pay-invoice.ts';
import type { CallFault } from '../../src/stripe/local/faults.ts';
import { freezeInvoice, makeAccount } from './support/billing.ts';
import { settle, work } from './support/drive.ts';
import { billed, customerOf, dieAt, stripeIdOf } from './support/faulty.ts';
import { countedInvoices, expectPaidOnce, gmBill } from './support/once.ts';
import { openWorld, TEST_KEY, type World } from './support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld({ hasWebhooks: false });
});
afterEach(() => world.stripe.faults.clear());
afterAll(async () => await world.close());

const CALLS = {
  draft: { method: 'POST', path: '/v1/invoices' },
  lines: { method: 'POST', path: '/v1/invoices/*/add_lines' },
  verify: { method: 'GET', path: '/v1/invoices/*' },
  finalize: { method: 'POST', path: '/v1/invoices/*/finalize' },
  pay: { method: 'POST', path: '/v1/invoices/*/pay' },
} as const;

/** Gives up on a call after 300 ms. */
function impatient(): PayContext {
  const options = { apiKey: TEST_KEY, apiBase: world.stripe.url, maxNetworkRetries: 0 };
  return { ...world.context, gateway: openGateway({ ...options, timeoutMs: 300 }) };
}

/** Each fault strikes twice, because the SDK repeats a call whose connection was reset once by itself. */
const FAULTS: Readonly<Record<string, readonly CallFault[]>> = {
  'S01 ran, but the answer was lost': ['drop_after', 'cut_body'],
  'S02 ran, then hangs': ['hang_after', 'hang_before'],
  'S03 a server error is saved and replayed for a day': [
    'error_500_saved',
    'error_500_saved_without_running',
  ],
  'S04 reset or failed before it ran': ['drop_before', 'error_500_before', 'error_500_after'],
  'S05 too many calls, or the object is locked': [
    'rate_limited',
    'rate_limited_should_retry',
    'lock_timeout',
  ],
  'S20 the key is refused for a while': ['key_revoked'],
};

for (const [what, kinds] of Object.entries(FAULTS)) {
  test(`${what}, at any call: one invoice, paid once`, async () => {
    const names: InvoiceName[] = [];
    for (const kind of kinds) {
      for (const [step, call] of Object.entries(CALLS)) {
        const name = await billed(world, `${kind} ${step}`);
        world.stripe.faults.add({ kind, ...call, times: 2 });
        await issueInvoice(kind.startsWith('hang') ? impatient() : world.context, name);
        world.stripe.faults.clear();
        names.push(name);
      }
    }
    await settle(world);
    for (const name of names) await expectPaidOnce(world, name);
  });
}

test('S05 with 429 on 30 % of all calls, every invoice is paid once in the end', async () => {
  const names: InvoiceName[] = [];
  for (let n = 0; n < 8; n += 1) names.push(await billed(world, `crowded ${n}`));
  world.stripe.faults.add({ kind: 'rate_limited', share: 0.2, times: 1_000 });
  world.stripe.faults.add({ kind: 'lock_timeout', share: 0.1, times: 1_000 });
  await settle(world);
  world.stripe.faults.clear();
  for (const name of names) await expectPaidOnce(world, name);
});

test('S06 a call is frozen: what changes meanwhile does not change what is sent again', async () => {
  await makeAccount(world.db, 'frozen');
  const name = await freezeInvoice(world.db, 'frozen');
  const customers = { method: 'POST', path: '/v1/customers' };
  world.stripe.faults.add({ kind: 'drop_after', ...customers, times: 2 });
  await issueInvoice(world.context, name);
  await world.db
    .updateTable('account')
    .set({ email: 'new@example.com' })
    .where('account_id', '=', 'frozen')
    .execute();
  await settle(world);
  const calls = world.stripe
    .calls({ method: 'POST', path: /customers$/ })
    .filter(({ sent }) => sent.includes('=frozen'));
  expect(calls.length).toBeGreaterThan(1);
  expect(new Set(calls.map(({ sent }) => sent)).size).toBe(1);
  expect(await findInvoice(world.db, name)).toMatchObject({ state: 'open' });
});

test('S06 a key that was used for something else stops the invoice for an operator', async () => {
  const name = await billed(world, 'poisoned');
  const customer = await customerOf(world, 'poisoned');
  const idempotencyKey = `gm1:draft:${name.invoiceId}:g0`;
  const params = { customer, currency: 'usd' };
  await world.gateway.send({ method: 'POST', path: '/v1/invoices', params, idempotencyKey });
  await settle(world);
  expect(await findInvoice(world.db, name)).toMatchObject({
    state: 'needs_operator',
    state_reason: expect.stringContaining('idempotent'),
  });
});

test('S08 S19 tried again after 25 hours or 3 days, when keys are forgotten: looked for first, by list', async () => {
  const names: InvoiceName[] = [];
  const points = issueCrashPoints.filter((point) => !point.startsWith('customer:'));
  for (const point of points) {
    const name = await billed(world, `late ${point}`);
    await dieAt(world, point, name);
    names.push(name);
  }
  await world.pass({ hours: 25 });
  await work(world.context);
  await world.pass({ hours: 47 });
  await settle(world);
  for (const name of names) await expectPaidOnce(world, name);
  expect(world.stripe.calls({ path: /search/ })).toEqual([]);
  await sweep(world.context);
  const drafts = world.stripe.state()['invoice']?.filter(({ status }) => status === 'draft') ?? [];
  const ours = names.map(({ invoiceId }) => invoiceId);
  expect(drafts.filter((draft) => ours.includes(gmBill(draft)))).toEqual([]);
});

test('S08 a decline whose answer was lost for a day counts as one attempt', async () => {
  const name = await billed(world, 'late decline');
  const { payment_method_id: card } = await world.db
    .selectFrom('stripe_customer')
    .select('payment_method_id')
    .where('account_id', '=', 'late decline')
    .executeTakeFirstOrThrow();
  world.stripe.setCharges(card ?? '', 'insufficient_funds');
  await dieAt(world, 'pay:answered', name);
  await world.pass({ hours: 25 });
  await work(world.context);
  const attempts = world.db
    .selectFrom('payment_attempt')
    .select(['attempt', 'state', 'error_code'])
    .where('account_id', '=', 'late decline')
    .orderBy('attempt');
  expect(await attempts.execute()).toEqual([
    { attempt: 1, state: 'failed', error_code: 'card_declined' },
  ]);
  const { charge: charges = [] } = world.stripe.state();
  const asked = charges.filter((charge) => charge['payment_method'] === card);
  expect(asked.map(({ status }) => status)).toEqual(['failed']);
  world.stripe.setCharges(card ?? '', null);
  await world.pass({ hours: 48 });
  await settle(world);
  expect((await attempts.execute()).map(({ state }) => state)).toEqual(['failed', 'paid']);
  await expectPaidOnce(world, name);
});

test('S22 a decline of another card on the page is not taken for that of our own attempt', async () => {
  const name = await billed(world, 'tries on the page');
  await dieAt(world, 'pay:planned', name);
  const stripeId = await stripeIdOf(world, name);
  expect(() => world.stripe.payOnPage(stripeId, 'tok_chargeCustomerFail')).toThrow('declined');
  await world.pass({ hours: 25 });
  await settle(world);
  await expectPaidOnce(world, name);
  const attempts = world.db
    .selectFrom('payment_attempt')
    .select('state')
    .where('account_id', '=', name.accountId);
  expect(await attempts.execute()).toEqual([{ state: 'paid' }]);
});

test('S09 lines that reached Stripe are not added again', async () => {
  const lines = ['one', 'two', 'three'].map((description) => ({ description, cents: 100n }));
  const name = await billed(world, 'half filled', lines);
  await dieAt(world, 'lines:planned', name);
  await world.gateway.send({
    method: 'POST',
    path: `/v1/invoices/${await stripeIdOf(world, name)}/add_lines`,
    params: { lines: [{ amount: 100, description: 'two', metadata: { gm_line: '2' } }] },
  });
  await world.pass({ hours: 24 });
  await settle(world);
  await expectPaidOnce(world, name);
});

test('S11 a draft left half built for days is neither finalized nor collected by Stripe', async () => {
  const name = await billed(world, 'half built');
  await dieAt(world, 'verify:begin', name);
  await world.pass({ hours: 80 });
  expect(countedInvoices(world, name)).toEqual([]);
  await settle(world);
  await expectPaidOnce(world, name);
});

test('S12 finalized by somebody else meanwhile: read again and taken as done', async () => {
  const name = await billed(world, 'finalized twice');
  await dieAt(world, 'finalize:planned', name);
  const path = `/v1/invoices/${await stripeIdOf(world, name)}/finalize`;
  await world.gateway.send({ method: 'POST', path, params: { auto_advance: false } });
  await world.pass({ seconds: 200 });
  await settle(world);
  await expectPaidOnce(world, name);
});

test('S20 while the key is refused a batch stops at once and loses nothing', async () => {
  const names = [
    await billed(world, 'revoked 1'),
    await billed(world, 'revoked 2'),
    await billed(world, 'revoked 3'),
  ];
  world.stripe.faults.add({ kind: 'key_revoked', times: 1_000 });
  const result = await issueDue(world.context, { concurrency: 1 });
  expect(result).toMatchObject({ tried: 1, isBarred: true });
  world.stripe.faults.clear();
  await settle(world);
  for (const name of names) await expectPaidOnce(world, name);
});

test('S22 the customer pays on the page while our own payment is unknown: charged once', async () => {
  const name = await billed(world, 'pays twice');
  await dieAt(world, 'pay:planned', name);
  world.stripe.payOnPage(await stripeIdOf(world, name), 'tok_mastercard');
  await world.pass({ seconds: 200 });
  await settle(world);
  await expectPaidOnce(world, name);
});
