import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { setPaymentMethod } from '../../src/stripe/cards/set-payment-method.ts';
import { reconcile } from '../../src/stripe/checks/reconcile.ts';
import { sweep } from '../../src/stripe/checks/sweep.ts';
import { openGateway } from '../../src/stripe/gateway.ts';
import { findInvoice, type InvoiceName } from '../../src/stripe/issue/invoice-store.ts';
import { issueDue } from '../../src/stripe/issue/issue-due.ts';
import { issueInvoice } from '../../src/stripe/issue/issue-invoice.ts';
import { issueCrashPoints } from '../../src/stripe/issue/issue-steps.ts';
import type { PayContext } from '../../src/stripe/issue/pay-invoice.ts';
import type { CallFault } from '../../src/stripe/local/faults.ts';
import { until } from '../support/until.ts';
import { freezeInvoice, makeAccount, type TestLine } from './support/billing.ts';
import { settle, work } from './support/drive.ts';
import { countedInvoices, expectPaidOnce, gmBill } from './support/once.ts';
import { openWorld, TEST_KEY, type World } from './support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld({ timeoutMs: 300 });
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

async function billed(accountId: string, lines?: readonly TestLine[]): Promise<InvoiceName> {
  await makeAccount(world.db, accountId);
  await setPaymentMethod(world.context, { accountId, source: { token: 'tok_visa' } });
  return await freezeInvoice(world.db, accountId, lines);
}

function invoiceCalls(): number {
  return world.stripe.calls({ path: /^\/v1\/invoices/ }).length;
}

async function stripeIdOf(name: InvoiceName): Promise<string> {
  return (await findInvoice(world.db, name))?.stripe_invoice_id ?? '';
}

/** A context that fails at a point, as a process does that dies there; its lease is left behind. */
function dyingAt(point: string): PayContext {
  const atPoint = (label: string): void => {
    if (label === point) throw new Error(`died at ${point}`);
  };
  return { ...world.context, atPoint };
}

async function dieAt(point: string, name: InvoiceName): Promise<void> {
  await expect(issueInvoice(dyingAt(point), name)).rejects.toThrow(`died at ${point}`);
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
        const name = await billed(`${kind} ${step}`);
        world.stripe.faults.add({ kind, ...call, times: 2 });
        await issueInvoice(world.context, name);
        world.stripe.faults.clear();
        names.push(name);
      }
    }
    await settle(world);
    for (const name of names) await expectPaidOnce(world, name);
  }, 60_000);
}

test('S05 with 429 on 30 % of all calls, every invoice is paid once in the end', async () => {
  const names: InvoiceName[] = [];
  for (let n = 0; n < 8; n += 1) names.push(await billed(`crowded ${n}`));
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
  const name = await billed('poisoned');
  const customer = await world.db
    .selectFrom('stripe_customer')
    .select('stripe_customer_id')
    .where('account_id', '=', 'poisoned')
    .executeTakeFirstOrThrow();
  const idempotencyKey = `gm1:draft:${name.invoiceId}:g0`;
  const params = { customer: customer.stripe_customer_id ?? '', currency: 'usd' };
  await world.gateway.send({ method: 'POST', path: '/v1/invoices', params, idempotencyKey });
  await settle(world);
  expect(await findInvoice(world.db, name)).toMatchObject({
    state: 'needs_operator',
    state_reason: expect.stringContaining('idempotent'),
  });
});

test('S07 D07 two workers with one key: one runs it, the one that lost its lease saves nothing', async () => {
  const name = await billed('two workers');
  const gateway = openGateway({
    apiKey: TEST_KEY,
    apiBase: world.stripe.url,
    maxNetworkRetries: 0,
    timeoutMs: 20_000,
  });
  const patient = { ...world.context, gateway };
  world.stripe.faults.add({ kind: 'slow', ...CALLS.draft });
  const first = issueInvoice(patient, name);
  await until('the first worker is about to call', async () => {
    const sent = await operationsOf(name);
    return sent[0]?.state === 'sent';
  });
  await world.pass({ seconds: 200 });
  const second = issueInvoice(patient, name);
  await until('one of them hears that the key is in use', () => {
    return world.stripe.calls(CALLS_OF_DRAFTS).some(({ status }) => status === 409);
  });
  world.stripe.faults.release();
  expect(await first).toBe('busy');
  await second;
  await settle(world);
  await expectPaidOnce(world, name);
});

const CALLS_OF_DRAFTS = { method: 'POST', path: /^\/v1\/invoices$/ };

async function operationsOf({ accountId, invoiceId }: InvoiceName) {
  return await world.db
    .selectFrom('stripe_operation')
    .select(['step', 'state'])
    .where('account_id', '=', accountId)
    .where('subject', '=', invoiceId)
    .execute();
}

test('S08 S19 tried again after 25 hours or 3 days, when keys are forgotten: looked for first, by list', async () => {
  const names: InvoiceName[] = [];
  const points = issueCrashPoints.filter((point) => !point.startsWith('customer:'));
  for (const point of points) {
    const name = await billed(`late ${point}`);
    await dieAt(point, name);
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

test('S09 lines that reached Stripe are not added again', async () => {
  const lines = ['one', 'two', 'three'].map((description) => ({ description, cents: 100n }));
  const name = await billed('half filled', lines);
  await dieAt('lines:planned', name);
  await world.gateway.send({
    method: 'POST',
    path: `/v1/invoices/${await stripeIdOf(name)}/add_lines`,
    params: { lines: [{ amount: 100, description: 'two', metadata: { gm_line: '2' } }] },
  });
  await world.pass({ hours: 24 });
  await settle(world);
  await expectPaidOnce(world, name);
});

test('S10 an item that waits for the customer stays out of our invoice', async () => {
  const name = await billed('pending item');
  const row = await world.db
    .selectFrom('stripe_customer')
    .select('stripe_customer_id')
    .where('account_id', '=', 'pending item')
    .executeTakeFirstOrThrow();
  await world.gateway.send({
    method: 'POST',
    path: '/v1/invoiceitems',
    params: { customer: row.stripe_customer_id ?? '', amount: 999, currency: 'usd' },
  });
  await settle(world);
  await expectPaidOnce(world, name);
});

test('S11 a draft left half built for days is neither finalized nor collected by Stripe', async () => {
  const name = await billed('half built');
  await dieAt('verify:begin', name);
  await world.pass({ hours: 80 });
  expect(countedInvoices(world, name)).toEqual([]);
  await settle(world);
  await expectPaidOnce(world, name);
});

test('S12 finalized by somebody else meanwhile: read again and taken as done', async () => {
  const name = await billed('finalized twice');
  await dieAt('finalize:planned', name);
  const path = `/v1/invoices/${await stripeIdOf(name)}/finalize`;
  await world.gateway.send({ method: 'POST', path, params: { auto_advance: false } });
  await world.pass({ seconds: 200 });
  await settle(world);
  await expectPaidOnce(world, name);
});

test('S13 an amount below the minimum charge never goes to Stripe', async () => {
  const name = await billed('too small', [{ description: 'App', cents: 49n }]);
  const before = invoiceCalls();
  await settle(world);
  expect(await findInvoice(world.db, name)).toMatchObject({
    state: 'needs_operator',
    state_reason: 'Stripe cannot charge 49 cents',
  });
  expect(invoiceCalls()).toBe(before);
});

test('S14 a settled invoice over nothing causes no call', async () => {
  const name = await billed('zero', [{ description: 'App', cents: 0n }]);
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
  const name = await billed('many lines', lines);
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
  const name = await billed('odd cents', lines);
  await settle(world);
  await expectPaidOnce(world, name);
});

test('S17 a deleted customer, a missing card and a wrong currency stop only their own invoices', async () => {
  const deleted = await billed('deleted customer');
  const row = await world.db
    .selectFrom('stripe_customer')
    .select('stripe_customer_id')
    .where('account_id', '=', 'deleted customer')
    .executeTakeFirstOrThrow();
  const path = `/v1/customers/${row.stripe_customer_id}`;
  await world.gateway.send({ method: 'DELETE', path, params: {} });
  const currency = await billed('wrong currency');
  await dieAt('verify:begin', currency);
  world.stripe.edit(await stripeIdOf(currency), { currency: 'eur' });
  await makeAccount(world.db, 'cardless');
  const cardless = await freezeInvoice(world.db, 'cardless');
  const fine = await billed('fine');
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

test('S18 a balance at Stripe that would change what is charged stops the invoice', async () => {
  const name = await billed('balance');
  const row = await world.db
    .selectFrom('stripe_customer')
    .select('stripe_customer_id')
    .where('account_id', '=', 'balance')
    .executeTakeFirstOrThrow();
  await world.gateway.send({
    method: 'POST',
    path: `/v1/customers/${row.stripe_customer_id}`,
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

test('S20 while the key is refused a batch stops at once and loses nothing', async () => {
  const names = [await billed('revoked 1'), await billed('revoked 2'), await billed('revoked 3')];
  world.stripe.faults.add({ kind: 'key_revoked', times: 1_000 });
  const result = await issueDue(world.context, { concurrency: 1 });
  expect(result).toMatchObject({ tried: 1, isBarred: true });
  world.stripe.faults.clear();
  await settle(world);
  for (const name of names) await expectPaidOnce(world, name);
});

test('S22 the customer pays on the page while our own payment is unknown: charged once', async () => {
  const name = await billed('pays twice');
  await dieAt('pay:planned', name);
  world.stripe.payOnPage(await stripeIdOf(name), 'tok_mastercard');
  await world.pass({ seconds: 200 });
  await settle(world);
  await expectPaidOnce(world, name);
});

test('T01 T08 six workers at once issue every invoice once', async () => {
  const names: InvoiceName[] = [];
  for (let n = 0; n < 6; n += 1) names.push(await billed(`crowd ${n}`));
  await Promise.all(Array.from({ length: 6 }, async () => await work(world.context)));
  await settle(world);
  for (const name of names) await expectPaidOnce(world, name);
  const drafts = world.stripe
    .calls({ method: 'POST', path: /^\/v1\/invoices$/ })
    .filter(({ sent }) => names.some(({ invoiceId }) => sent.includes(invoiceId)));
  expect(drafts.length).toBe(names.length);
});
