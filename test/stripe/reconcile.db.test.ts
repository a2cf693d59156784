import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setPaymentMethod } from '../../src/stripe/cards/set-payment-method.ts';
import { reconcile, type ReconcileContext } from '../../src/stripe/checks/reconcile.ts';
import { sweep } from '../../src/stripe/checks/sweep.ts';
import { resolveDrift } from '../../src/stripe/drift.ts';
import type { InvoiceName } from '../../src/stripe/issue/invoice-store.ts';
import { issueInvoice } from '../../src/stripe/issue/issue-invoice.ts';
import { resumeInvoice } from '../../src/stripe/issue/resume-invoice.ts';
import { giveMoneyBack } from '../../src/stripe/refunds/give-money-back.ts';
import { freezeInvoice, makeAccount } from './support/billing.ts';
import { settle } from './support/drive.ts';
import { expectPaidOnce } from './support/once.ts';
import { customerOf, newestId, stripeIdOf } from './support/faulty.ts';
import { openWorld, type World } from './support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(async () => await world.close());

async function paid(accountId: string): Promise<InvoiceName> {
  await makeAccount(world.db, accountId);
  await setPaymentMethod(world.context, { accountId, source: { token: 'tok_visa' } });
  const name = await freezeInvoice(world.db, accountId);
  await settle(world);
  return name;
}

/** Of one account, and the same out of all accounts: both ways must find it. */
async function driftOf(accountId: string): Promise<[string, bigint][]> {
  const one = await reconcile(world.context, { accountId });
  const all = await reconcile(world.context);
  const found = [one, all].map(({ accounts }) =>
    accounts
      .filter((report) => report.accountId === accountId)
      .flatMap(({ drift }) => drift.map(({ kind, cents }): [string, bigint] => [kind, cents])),
  );
  expect(found[1]).toEqual(found[0]);
  return found[0] ?? [];
}

test('when all is well nothing is reported, and nothing at Stripe is changed', async () => {
  await paid('well');
  const before = world.stripe.calls().length;
  expect(await driftOf('well')).toEqual([]);
  const calls = world.stripe.calls().slice(before);
  expect(calls.every(({ method }) => method === 'GET')).toBe(true);
});

test('a balance put on a customer by hand is reported in cents, and resolved when it is gone', async () => {
  await paid('balance');
  const path = `/v1/customers/${await customerOf(world, 'balance')}`;
  await world.gateway.send({ method: 'POST', path, params: { balance: 300 } });
  await world.pass({ seconds: 60 });
  expect(await driftOf('balance')).toEqual([['customer_balance', 300n]]);
  await world.gateway.send({ method: 'POST', path, params: { balance: 0 } });
  await world.pass({ seconds: 60 });
  expect(await driftOf('balance')).toEqual([]);
});

test('an invoice made by hand for one of our customers is reported', async () => {
  await paid('by hand');
  const customer = await customerOf(world, 'by hand');
  const item = { customer, amount: 4_200, currency: 'usd' };
  await world.gateway.send({ method: 'POST', path: '/v1/invoiceitems', params: item });
  await world.gateway.send({
    method: 'POST',
    path: '/v1/invoices',
    params: { customer, currency: 'usd', pending_invoice_items_behavior: 'include' },
  });
  expect(await driftOf('by hand')).toEqual([['invoice_by_hand', 4_200n]]);
});

test('a refund made by hand is booked, and reported as money we did not send', async () => {
  const name = await paid('refunded by hand');
  await world.gateway.send({
    method: 'POST',
    path: '/v1/refunds',
    params: { charge: newestId(world, 'charge'), amount: 800 },
  });
  expect(await driftOf('refunded by hand')).toEqual([['refund_by_hand', -800n]]);
  const entries = await world.db
    .selectFrom('ledger_entry')
    .select('amount_cents')
    .where('account_id', '=', name.accountId)
    .where('kind', '=', 'refund')
    .execute();
  expect(entries).toEqual([{ amount_cents: -800n }]);
});

test('a refund of our books that is gone or another one at Stripe is reported in cents', async () => {
  const gone = await paid('refund gone');
  for (const accountId of ['refund other', 'refund unbooked']) {
    await paid(accountId);
    await giveMoneyBack(
      { ...world.context, notYetInvoiced: async () => 0n },
      { accountId, moneyBackId: 'mb', amountCents: 700n, actor: 'me', reason: 'test' },
    );
  }
  await world.hear();
  await world.db
    .insertInto('refund')
    .values({
      account_id: 'refund gone',
      refund_id: 'ref_gone',
      invoice_id: gone.invoiceId,
      amount_cents: 700n,
      state: 'done',
      created_at: world.clock(),
      stripe_refund_id: 're_gone',
    })
    .execute();
  await world.db
    .updateTable('refund')
    .set({ amount_cents: 600n })
    .where('account_id', '=', 'refund other')
    .execute();
  await sql`alter table ledger_entry disable trigger user`.execute(world.db);
  await sql`delete from ledger_entry where account_id = 'refund unbooked' and kind = 'refund'`.execute(
    world.db,
  );
  await sql`alter table ledger_entry enable trigger user`.execute(world.db);
  expect(await driftOf('refund gone')).toEqual([
    ['ledger_refund', 700n],
    ['refund_missing', 700n],
  ]);
  expect(await driftOf('refund other')).toEqual([
    ['ledger_refund', -100n],
    ['refund_amount', -100n],
  ]);
  expect(await driftOf('refund unbooked')).toEqual([['ledger_refund', 700n]]);
});

test('an invoice that is gone at Stripe, or a ledger that says otherwise, is reported in cents', async () => {
  const name = await paid('gone');
  await sql`update invoice set stripe_invoice_id = 'in_gone' where account_id = 'gone'`.execute(
    world.db,
  );
  const found = await driftOf('gone');
  expect(found).toContainEqual(['invoice_missing', -2_500n]);
  const other = await paid('ledger');
  await world.db
    .insertInto('ledger_entry')
    .values({
      account_id: 'ledger',
      entry_id: `payment:${name.invoiceId}`,
      book: 'cash',
      kind: 'payment',
      amount_cents: 1n,
      actor: 'bug',
      recorded_at: world.clock(),
    })
    .execute();
  await sql`alter table ledger_entry disable trigger user`.execute(world.db);
  await sql`update ledger_entry set amount_cents = 2400 where entry_id = ${`payment:${other.invoiceId}`}`.execute(
    world.db,
  );
  await sql`alter table ledger_entry enable trigger user`.execute(world.db);
  expect(await driftOf('ledger')).toEqual([
    ['ledger_payment', 100n],
    ['ledger_total', -100n],
  ]);
});

test('an invoice that carries our mark but is in no book of ours is reported', async () => {
  await paid('marked');
  const customer = await customerOf(world, 'marked');
  const metadata = { gm_account: 'marked', gm_bill: 'inv_unknown' };
  const params = { customer, currency: 'usd', metadata };
  await world.gateway.send({ method: 'POST', path: '/v1/invoices', params });
  expect(await driftOf('marked')).toEqual([['invoice_unknown', 0n]]);
});

test('a stopped invoice is reported, and goes on when an operator says so', async () => {
  await makeAccount(world.db, 'stopped');
  await setPaymentMethod(world.context, { accountId: 'stopped', source: { token: 'tok_visa' } });
  const path = `/v1/customers/${await customerOf(world, 'stopped')}`;
  await world.gateway.send({ method: 'POST', path, params: { balance: 300 } });
  const name = await freezeInvoice(world.db, 'stopped');
  await issueInvoice(world.context, name);
  expect(await driftOf('stopped')).toContainEqual(['needs_operator', 0n]);
  await world.gateway.send({ method: 'POST', path, params: { balance: 0 } });
  await resumeInvoice(world.context, name);
  await settle(world);
  await expectPaidOnce(world, name);
  await expect(resumeInvoice(world.context, name)).rejects.toMatchObject({ kind: 'conflict' });
  await world.pass({ seconds: 60 });
  expect(await driftOf('stopped')).toEqual([]);
});

test('a difference stays reported however old it is, and is gone when it is mended', async () => {
  const name = await paid('old');
  const entry = world.db.updateTable('ledger_entry').where('account_id', '=', 'old');
  await sql`alter table ledger_entry disable trigger user`.execute(world.db);
  await entry.set({ amount_cents: 2_400n }).where('kind', '=', 'payment').execute();
  expect(await driftOf('old')).toEqual([
    ['ledger_payment', 100n],
    ['ledger_total', -100n],
  ]);
  await world.pass({ hours: 60 * 24 });
  const { accounts } = await reconcile(world.context);
  expect(accounts.filter(({ accountId }) => accountId === 'old')).toMatchObject([
    { cents: 0n, drift: [{}, {}] },
  ]);
  await entry.set({ amount_cents: 2_500n }).where('kind', '=', 'payment').execute();
  await sql`alter table ledger_entry enable trigger user`.execute(world.db);
  await world.pass({ seconds: 60 });
  const later = await reconcile(world.context);
  expect(later.accounts.filter(({ accountId }) => accountId === 'old')).toEqual([]);
  await expectPaidOnce(world, name);
});

test('usage that was billed otherwise is reported until it is mended, however old it is', async () => {
  const drift = {
    accountId: 'metered',
    driftId: 'usage:1',
    kind: 'usage',
    cents: -5n,
    details: {},
  };
  const found = (isOld: boolean) => async (accountId: string | undefined) =>
    isOld && accountId === undefined ? [] : [drift];
  const reported = async (checkUsage: ReconcileContext['checkUsage'] & {}) => {
    await world.pass({ seconds: 60 });
    const { accounts } = await reconcile({ ...world.context, checkUsage });
    return accounts.filter(({ accountId }) => accountId === 'metered').map(({ cents }) => cents);
  };
  expect(await reported(found(false))).toEqual([-5n]);
  expect(await reported(found(true))).toEqual([-5n]);
  expect(await reported(async () => [])).toEqual([]);
});

test('what a person resolved is not reported again, unless the amount is another', async () => {
  await paid('dealt with');
  const customer = await customerOf(world, 'dealt with');
  const path = `/v1/customers/${customer}`;
  await world.gateway.send({ method: 'POST', path, params: { balance: 300 } });
  await world.pass({ seconds: 60 });
  expect(await driftOf('dealt with')).toEqual([['customer_balance', 300n]]);
  const name = { accountId: 'dealt with', driftId: `customer_balance:${customer}` };
  expect(await resolveDrift(world.db, world.clock(), name, 'agreed with the customer')).toBe(true);
  expect(await resolveDrift(world.db, world.clock(), name, 'again')).toBe(false);
  await world.pass({ seconds: 60 });
  expect(await driftOf('dealt with')).toEqual([]);
  await world.gateway.send({ method: 'POST', path, params: { balance: 400 } });
  await world.pass({ seconds: 60 });
  expect(await driftOf('dealt with')).toEqual([['customer_balance', 400n]]);
});

test('the sweeper deletes strays after 25 hours, and no draft that is in use', async () => {
  const name = await paid('stray');
  const customer = await customerOf(world, 'stray');
  const metadata = { gm_account: 'stray', gm_bill: name.invoiceId };
  const params = { customer, currency: 'usd', metadata };
  await world.gateway.send({ method: 'POST', path: '/v1/invoices', params });
  await makeAccount(world.db, 'in use');
  const unfinished = await freezeInvoice(world.db, 'in use');
  const atPoint = (label: string): void => {
    if (label === 'verify:begin') throw new Error('died');
  };
  await expect(issueInvoice({ ...world.context, atPoint }, unfinished)).rejects.toThrow('died');
  await world.pass({ hours: 24 });
  expect(await sweep(world.context)).toMatchObject({ deletedDrafts: 0 });
  await world.pass({ hours: 2 });
  expect(await sweep(world.context)).toMatchObject({ deletedDrafts: 1 });
  const drafts = world.stripe.state()['invoice']?.filter(({ status }) => status === 'draft') ?? [];
  const ids = drafts.map(({ id }) => id);
  expect(ids).toContain(await stripeIdOf(world, unfinished));
});
