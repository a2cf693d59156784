import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { collectDue } from '../../src/dunning/collect-due.ts';
import { findCard } from '../../src/stripe/cards/card-setup-store.ts';
import { startCheckout } from '../../src/stripe/cards/checkout.ts';
import { cardCrashPoints, checkoutCrashPoints } from '../../src/stripe/cards/crash-points.ts';
import { setPaymentMethod } from '../../src/stripe/cards/set-payment-method.ts';
import { reconcile } from '../../src/stripe/checks/reconcile.ts';
import { sweep } from '../../src/stripe/checks/sweep.ts';
import type { InvoiceName } from '../../src/stripe/issue/invoice-store.ts';
import { issueInvoice } from '../../src/stripe/issue/issue-invoice.ts';
import { issueCrashPoints } from '../../src/stripe/issue/issue-steps.ts';
import { finishCheckout } from '../../src/stripe/news/sync-card-setup.ts';
import { OPERATION_MOMENTS, OPERATION_STEPS } from '../../src/stripe/operation.ts';
import { giveMoneyBack } from '../../src/stripe/refunds/give-money-back.ts';
import { refundCrashPoints } from '../../src/stripe/refunds/run-refund.ts';
import { endChildren, startChild } from '../support/child.ts';
import { freezeInvoice, makeAccount } from './support/billing.ts';
import { settle } from './support/drive.ts';
import { newestId } from './support/faulty.ts';
import { expectPaidOnce } from './support/once.ts';
import type { Job, Task } from './support/worker.ts';
import { openWorld, TEST_KEY, type World } from './support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld({ hasWebhooks: false });
});
afterEach(endChildren);
afterAll(async () => await world.close());

const LINES = [
  { description: 'App web', cents: 2_500n },
  { description: 'App worker', cents: 16_129n },
  { description: 'Credit', cents: -1_000n },
];

/** More than one call can take. */
const MANY_LINES = Array.from({ length: 130 }, (_, n) => ({
  description: `App ${n}`,
  cents: BigInt(n),
}));

/** Steps that an ordinary invoice does not have: a second call for its lines, a payment after a declined one. */
const RARE_POINTS = ['lines2', 'pay2'].flatMap((step) =>
  OPERATION_MOMENTS.map((moment) => `${step}:${moment}`),
);

/** Runs tasks in a process of their own; resolves to its exit code or the signal that ended it. */
async function runTasks(tasks: readonly Task[]): Promise<number | NodeJS.Signals> {
  const job: Job = {
    databaseUrl: world.database.url,
    stripeUrl: world.stripe.url,
    apiKey: TEST_KEY,
    nowMs: world.clock().getTime(),
    tasks,
  };
  return await startChild('../../stripe/support/worker.ts', [JSON.stringify(job)]).ended;
}

/** An account with an invoice; with a card, unless the crash is to come before it has a customer. */
async function billedAccount(accountId: string, hasCard = true): Promise<InvoiceName> {
  await makeAccount(world.db, accountId);
  if (hasCard) await setPaymentMethod(world.context, { accountId, source: { token: 'tok_visa' } });
  return await freezeInvoice(world.db, accountId, LINES);
}

/** An account whose invoice comes to one of the rare points next, or on its way. */
async function rareAccount(point: string): Promise<InvoiceName> {
  const accountId = `rare ${point}`;
  await makeAccount(world.db, accountId);
  const card = await setPaymentMethod(world.context, { accountId, source: { token: 'tok_visa' } });
  const name = await freezeInvoice(world.db, accountId, MANY_LINES);
  if (!point.startsWith('pay2:')) return name;
  world.stripe.setCharges(card.paymentMethodId, 'insufficient_funds');
  await issueInvoice(world.context, name);
  world.stripe.setCharges(card.paymentMethodId, null);
  await world.db
    .updateTable('invoice')
    .set({ next_attempt_at: world.clock() })
    .where('account_id', '=', accountId)
    .execute();
  return name;
}

/** Long enough for a dead process's lease to end; then another process finds what it left behind. */
async function restart(): Promise<void> {
  await world.pass({ seconds: 200 });
  const work = { kind: 'work', accountId: '', invoiceId: '', killAt: null } as const;
  expect(await runTasks([work])).toBe(0);
  await settle(world);
}

/** A day later nothing is left over at Stripe, and nothing differs from our books. */
async function expectClean(): Promise<void> {
  await world.pass({ hours: 26 });
  await sweep(world.context);
  expect(world.stripe.state()['invoice']?.filter(({ status }) => status === 'draft')).toEqual([]);
  expect((await reconcile(world.context)).accounts).toEqual([]);
}

test('the lists of crash points are what really happens, in order', async () => {
  const points: string[] = [];
  const context = { ...world.context, atPoint: (label: string) => void points.push(label) };
  await makeAccount(world.db, 'plain');
  await setPaymentMethod(context, { accountId: 'plain', source: { token: 'tok_visa' } });
  await setPaymentMethod(context, { accountId: 'plain', source: { token: 'tok_mastercard' } });
  expect([...new Set(points)]).toEqual(cardCrashPoints);
  const customerPoints = points.filter((point) => point.startsWith('customer:'));
  points.length = 0;
  await issueInvoice(context, await freezeInvoice(world.db, 'plain', LINES));
  expect([...customerPoints, ...points]).toEqual(issueCrashPoints);
  points.length = 0;
  await giveMoneyBack(
    { ...context, notYetInvoiced: async () => 0n },
    { accountId: 'plain', moneyBackId: 'mb', amountCents: 100n, actor: 'me', reason: 'test' },
  );
  expect(points).toEqual(refundCrashPoints);
});

test('a process is killed around every kind of call that changes something at Stripe', () => {
  const killedAt = [
    issueCrashPoints,
    refundCrashPoints,
    cardCrashPoints,
    checkoutCrashPoints,
  ].flat();
  for (const step of OPERATION_STEPS) {
    const points = OPERATION_MOMENTS.map((moment) => `${step}:${moment}`);
    expect(killedAt, step).toEqual(expect.arrayContaining(points));
  }
});

test('no call that changes something at Stripe is made past the operations, but for deleting drafts', () => {
  const folder = path.resolve('src/stripe');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.startsWith('local/'),
  );
  const senders = files.filter((file) => {
    return /\.send\((?!\{ method: 'GET')/.test(readFileSync(path.join(folder, file), 'utf8'));
  });
  expect(senders.toSorted()).toEqual([
    'issue/draft-invoice.ts',
    'rate-limit.ts',
    'run-operation.ts',
  ]);
});

test('T13 S01 S09 killed at any step of issuing and paying, an invoice is issued and paid once', async () => {
  const tasks: Task[] = [];
  for (const killAt of issueCrashPoints) {
    const name = await billedAccount(`issue ${killAt}`, !killAt.startsWith('customer:'));
    tasks.push({ kind: 'issue', killAt, ...name });
  }
  for (const killAt of RARE_POINTS) {
    tasks.push({ kind: 'issue', killAt, ...(await rareAccount(killAt)) });
  }
  expect(await runTasks(tasks)).toBe('SIGKILL');
  await restart();
  for (const { accountId } of tasks) {
    if ((await findCard(world.db, accountId)) !== undefined) continue;
    await setPaymentMethod(world.context, { accountId, source: { token: 'tok_visa' } });
  }
  await collectDue(world.context);
  for (const name of tasks) await expectPaidOnce(world, name);
  await expectClean();
});

test('T13 killed at any step of a refund, money goes back once', async () => {
  const tasks: Task[] = [];
  for (const killAt of refundCrashPoints) {
    const name = await billedAccount(`refund ${killAt}`);
    await issueInvoice(world.context, name);
    tasks.push({ kind: 'money_back', killAt, ...name });
  }
  expect(await runTasks(tasks)).toBe('SIGKILL');
  await restart();
  // The operator repeats the requests, which changes nothing where they had been booked.
  expect(await runTasks(tasks.map((task) => ({ ...task, killAt: null })))).toBe(0);
  for (const { accountId } of tasks) {
    const refunds = await world.db
      .selectFrom('ledger_entry')
      .select('amount_cents')
      .where('account_id', '=', accountId)
      .where('kind', '=', 'refund')
      .execute();
    expect(refunds, accountId).toEqual([{ amount_cents: -1_000n }]);
  }
  const notes = world.stripe.state()['credit_note']?.filter(({ amount }) => amount === 1_000);
  expect(notes?.length).toBe(tasks.length);
  await expectClean();
});

test('killed at any step of setting a card, the account ends with one customer and that card', async () => {
  const tasks: Task[] = [];
  for (const killAt of cardCrashPoints) {
    const accountId = `card ${killAt}`;
    await makeAccount(world.db, accountId);
    if (!killAt.startsWith('customer:')) {
      await setPaymentMethod(world.context, { accountId, source: { token: 'tok_visa' } });
    }
    tasks.push({ kind: 'set_card', killAt, accountId, invoiceId: '' });
  }
  expect(await runTasks(tasks)).toBe('SIGKILL');
  await world.pass({ seconds: 200 });
  expect(await runTasks(tasks.map((task) => ({ ...task, killAt: null })))).toBe(0);
  for (const { accountId } of tasks) {
    expect(await findCard(world.db, accountId)).toMatchObject({ last4: '4444' });
    const customers = world.stripe.state()['customer']?.filter(({ name }) => name === accountId);
    expect(customers?.length).toBe(1);
  }
});

test('killed at any step of opening a Checkout page, the next page sets the card', async () => {
  const tasks: Task[] = [];
  for (const killAt of checkoutCrashPoints) {
    const accountId = `page ${killAt}`;
    await makeAccount(world.db, accountId);
    tasks.push({ kind: 'checkout', killAt, accountId, invoiceId: '' });
  }
  expect(await runTasks(tasks)).toBe('SIGKILL');
  await world.pass({ seconds: 200 });
  for (const { accountId } of tasks) {
    const urls = { successUrl: 'https://example.com/ok', cancelUrl: 'https://example.com/no' };
    await startCheckout(world.context, { accountId, urls });
    const sessionId = newestId(world, 'checkout.session');
    world.stripe.completeCheckout(sessionId, 'tok_mastercard');
    await finishCheckout(world.context, sessionId);
    expect(await findCard(world.db, accountId)).toMatchObject({ last4: '4444' });
    const customers = world.stripe.state()['customer']?.filter(({ name }) => name === accountId);
    expect(customers?.length).toBe(1);
  }
});
