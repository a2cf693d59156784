import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { setPaymentMethod } from '../../src/stripe/cards/set-payment-method.ts';
import { reconcile } from '../../src/stripe/checks/reconcile.ts';
import { sweep } from '../../src/stripe/checks/sweep.ts';
import { findUnresolvedDrift } from '../../src/stripe/drift.ts';
import type { Gateway } from '../../src/stripe/gateway.ts';
import { findInvoice, type InvoiceName } from '../../src/stripe/issue/invoice-store.ts';
import { issueInvoice } from '../../src/stripe/issue/issue-invoice.ts';
import { claimEvents } from '../../src/stripe/news/event-store.ts';
import { processStripeEvents } from '../../src/stripe/news/process-stripe-events.ts';
import { freezeInvoice, makeAccount } from './support/billing.ts';
import { settle } from './support/drive.ts';
import { expectPaidOnce } from './support/once.ts';
import { receive } from './support/signed.ts';
import { openWorld, type World } from './support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterEach(() => {
  world.stripe.faults.clear();
  world.receiver.setDown(false);
});
afterAll(async () => await world.close());

/** An invoice that was declined, so that only news can tell that it is paid by the customer. */
async function openInvoice(accountId: string): Promise<InvoiceName> {
  await makeAccount(world.db, accountId);
  const source = { token: 'tok_chargeCustomerFail' };
  await setPaymentMethod(world.context, { accountId, source });
  const name = await freezeInvoice(world.db, accountId);
  await issueInvoice(world.context, name);
  await world.hear();
  return name;
}

async function payOnPage(name: InvoiceName): Promise<void> {
  const row = await findInvoice(world.db, name);
  world.stripe.payOnPage(row?.stripe_invoice_id ?? '', 'tok_visa');
}

async function entriesOf(accountId: string) {
  return await world.db
    .selectFrom('ledger_entry')
    .select(['kind', 'amount_cents'])
    .where('account_id', '=', accountId)
    .orderBy('entry_id')
    .execute();
}

test('W01 the same event fifty times at once has one effect, and every delivery is accepted', async () => {
  const name = await openInvoice('w01');
  await payOnPage(name);
  const paid = world.stripe.state()['event']?.findLast(({ type }) => type === 'invoice.paid');
  const body = JSON.stringify(paid);
  const received = await Promise.all(
    Array.from({ length: 50 }, async () => await receive(world, body)),
  );
  expect(received.filter(({ isNew }) => isNew).length).toBe(1);
  await Promise.all(
    Array.from({ length: 5 }, async () => await processStripeEvents(world.context)),
  );
  await expectPaidOnce(world, name);
});

test('W02 news in the wrong order, doubled and late never takes an invoice backwards', async () => {
  const name = await openInvoice('w02');
  await payOnPage(name);
  await world.stripe.drainWebhooks();
  const events = (world.stripe.state()['event'] ?? []).filter((event) =>
    JSON.stringify(event).includes(name.invoiceId),
  );
  expect(events.length).toBeGreaterThan(5);
  for (const event of events.toReversed()) {
    const body = JSON.stringify({ ...event, id: `${JSON.stringify(event['id'])}_again` });
    await receive(world, body);
    await processStripeEvents(world.context);
    await expectPaidOnce(world, name);
  }
});

test('W02 what was read just before the payment does not take it back', async () => {
  const name = await openInvoice('overtaken');
  const stale: Gateway = {
    send: async (request) => {
      const answer = await world.gateway.send(request);
      // Between this reading and its use, the customer pays and others hear of it.
      if (!hasPaid) {
        hasPaid = true;
        await payOnPage(name);
        await world.stripe.drainWebhooks();
        await processStripeEvents(world.context);
      }
      return answer;
    },
  };
  let hasPaid = false;
  const row = await findInvoice(world.db, name);
  const path = `/v1/invoices/${row?.stripe_invoice_id}`;
  const params = { metadata: { note: 'something to tell' } };
  await world.gateway.send({ method: 'POST', path, params });
  await world.stripe.drainWebhooks();
  await processStripeEvents({ ...world.context, gateway: stale });
  await expectPaidOnce(world, name);
});

test('W03 news that comes before our own call has returned is taken for what it is', async () => {
  await makeAccount(world.db, 'w03');
  await setPaymentMethod(world.context, { accountId: 'w03', source: { token: 'tok_visa' } });
  const name = await freezeInvoice(world.db, 'w03');
  const early = { kind: 'webhooks_first', times: 100 } as const;
  world.stripe.faults.add(early);
  const processing = { ...world.context };
  const gateway = {
    send: async (request: Parameters<typeof world.gateway.send>[0]) => {
      const answer = await world.gateway.send(request);
      await processStripeEvents(world.context);
      return answer;
    },
  };
  await issueInvoice({ ...processing, gateway }, name);
  world.stripe.faults.clear();
  await settle(world);
  await expectPaidOnce(world, name);
});

test('W03 an event about an invoice that is not in our books yet waits until it is', async () => {
  const name = await openInvoice('w03 early');
  await payOnPage(name);
  await world.stripe.drainWebhooks();
  const row = await findInvoice(world.db, name);
  const stripeId = row?.stripe_invoice_id ?? '';
  const seen = world.stripe.state()['invoice']?.find(({ id }) => id === stripeId);
  const metadata = { gm_bill: 'inv_not_yet', gm_account: 'w03 early' };
  world.stripe.edit(stripeId, { metadata });
  const before = await processStripeEvents(world.context);
  expect(before.postponed).toBeGreaterThan(0);
  world.stripe.edit(stripeId, { metadata: seen?.['metadata'] ?? {} });
  await world.pass({ seconds: 10 });
  await settle(world);
  await expectPaidOnce(world, name);
});

test('W07 with all news lost for four days, reconciling comes to the same state', async () => {
  const name = await openInvoice('w07');
  const refunded = await openInvoice('w07 refunded');
  world.stripe.faults.add({ kind: 'lose', times: 1_000 });
  await payOnPage(name);
  await payOnPage(refunded);
  await world.hear();
  await reconcile(world.context, { accountId: 'w07 refunded' });
  await expectPaidOnce(world, refunded);
  const row = await findInvoice(world.db, refunded);
  await world.gateway.send({
    method: 'POST',
    path: '/v1/credit_notes',
    params: { invoice: row?.stripe_invoice_id ?? '', amount: 500, refund_amount: 500 },
  });
  await world.hear();
  expect(await findInvoice(world.db, name)).toMatchObject({ state: 'open' });
  await world.pass({ hours: 96 });
  world.stripe.faults.clear();
  const report = await reconcile(world.context);
  await expectPaidOnce(world, name);
  expect(await entriesOf('w07 refunded')).toEqual([
    { kind: 'payment', amount_cents: 2_500n },
    { kind: 'refund', amount_cents: -500n },
  ]);
  expect(report.accounts.map(({ accountId, cents }) => [accountId, cents])).toEqual([
    ['w07 refunded', -500n],
  ]);
});

test('W07 news that no endpoint took is fetched and worked through', async () => {
  const name = await openInvoice('w07 fetched');
  world.receiver.setDown(true);
  await payOnPage(name);
  await world.stripe.drainWebhooks();
  world.receiver.setDown(false);
  const swept = await sweep(world.context);
  expect(swept.recoveredEvents).toBeGreaterThan(0);
  await processStripeEvents(world.context);
  await expectPaidOnce(world, name);
});

test('W08 an event that was worked through but not ticked off is worked through again, to no effect', async () => {
  const name = await openInvoice('w08');
  await payOnPage(name);
  await world.hear();
  await expectPaidOnce(world, name);
  await world.db
    .updateTable('stripe_event')
    .set({ processed_at: null, outcome: null, next_attempt_at: null })
    .execute();
  await world.hear();
  await expectPaidOnce(world, name);
});

test('W08 a worker that dies with events in its hands leaves them to the next one', async () => {
  const name = await openInvoice('w08 dead');
  await payOnPage(name);
  await world.stripe.drainWebhooks();
  expect((await claimEvents(world.db, world.clock(), 1_000)).length).toBeGreaterThan(0);
  expect(await processStripeEvents(world.context)).toMatchObject({ processed: 0, postponed: 0 });
  await world.pass({ seconds: 130 });
  await processStripeEvents(world.context);
  await expectPaidOnce(world, name);
});

test('an invoice voided by hand is void here, and reported with what it costs us', async () => {
  const name = await openInvoice('voided');
  const row = await findInvoice(world.db, name);
  const path = `/v1/invoices/${row?.stripe_invoice_id}/void`;
  await world.gateway.send({ method: 'POST', path, params: {} });
  await world.hear();
  expect(await findInvoice(world.db, name)).toMatchObject({ state: 'void' });
  expect(await findUnresolvedDrift(world.db, { accountId: 'voided' })).toMatchObject([
    { kind: 'invoice_void', cents: -2_500n },
  ]);
});

test('a disputed payment is recorded and signalled; money comes back only when it is won', async () => {
  const name = await openInvoice('disputed');
  await payOnPage(name);
  await world.hear();
  const row = await findInvoice(world.db, name);
  const dispute = world.stripe.dispute(row?.stripe_invoice_id ?? '');
  await world.hear();
  expect(await findInvoice(world.db, name)).toMatchObject({ state: 'paid' });
  expect(await entriesOf('disputed')).toEqual([
    { kind: 'dispute_withdrawn', amount_cents: -2_500n },
    { kind: 'payment', amount_cents: 2_500n },
  ]);
  world.stripe.closeDispute(dispute.id, 'won');
  await world.hear();
  expect(await entriesOf('disputed')).toHaveLength(3);
  const signals = await world.db
    .selectFrom('signal')
    .select('kind')
    .where('account_id', '=', 'disputed')
    .orderBy('created_at')
    .orderBy('kind')
    .execute();
  expect(signals.map(({ kind }) => kind)).toContain('payment.disputed');
  expect(signals.map(({ kind }) => kind)).toContain('payment.dispute_closed');
});

test('a customer deleted at Stripe stops what hangs on it; the next card makes a new one', async () => {
  const name = await openInvoice('deleted');
  const before = await world.db
    .selectFrom('stripe_customer')
    .select('stripe_customer_id')
    .where('account_id', '=', 'deleted')
    .executeTakeFirstOrThrow();
  const path = `/v1/customers/${before.stripe_customer_id}`;
  await world.gateway.send({ method: 'DELETE', path, params: {} });
  await world.hear();
  expect(await findInvoice(world.db, name)).toMatchObject({ state: 'needs_operator' });
  const source = { token: 'tok_visa' };
  await setPaymentMethod(world.context, { accountId: 'deleted', source });
  const after = await world.db
    .selectFrom('stripe_customer')
    .select(['stripe_customer_id', 'generation'])
    .where('account_id', '=', 'deleted')
    .executeTakeFirstOrThrow();
  expect(after.generation).toBe(1);
  expect(after.stripe_customer_id).not.toBe(before.stripe_customer_id);
});
