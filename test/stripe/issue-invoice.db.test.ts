import { afterAll, beforeAll, expect, test } from 'vitest';
import { addEntries } from '../../src/ledger/store.ts';
import { setPaymentMethod } from '../../src/stripe/cards/set-payment-method.ts';
import { issueDue } from '../../src/stripe/issue/issue-due.ts';
import { issueInvoice } from '../../src/stripe/issue/issue-invoice.ts';
import { findInvoice, type InvoiceName } from '../../src/stripe/issue/invoice-store.ts';
import { freezeInvoice, makeAccount } from './support/billing.ts';
import { openWorld, type World } from './support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(async () => await world.close());

async function withCard(accountId: string, token = 'tok_visa'): Promise<string> {
  await makeAccount(world.db, accountId);
  await setPaymentMethod(world.context, { accountId, source: { token } });
  return accountId;
}

/** What closing books beside a credit line. */
async function useCredit({ accountId, invoiceId }: InvoiceName, cents: bigint): Promise<void> {
  const entry = { accountId, book: 'credit', actor: 'test' } as const;
  await addEntries(world.db, world.clock(), [
    { ...entry, entryId: 'credit:gift', kind: 'credit_granted', amountCents: cents },
    {
      ...entry,
      entryId: `credit:${invoiceId}`,
      kind: 'credit_applied',
      amountCents: -cents,
      invoiceId,
    },
  ]);
}

test('an invoice of an account without a card ends open at Stripe, with nothing charged', async () => {
  await makeAccount(world.db, 'no-card');
  const name = await freezeInvoice(world.db, 'no-card');
  const issued = await issueInvoice(world.context, name);
  expect(issued).toMatchObject({ state: 'open', nextAttemptAt: null, reason: 'no card' });
  expect(world.stripe.state()['charge']).toEqual([]);
});

test('what nobody confirmed of its period is printed below the lines at Stripe', async () => {
  await makeAccount(world.db, 'flagged');
  const name = await freezeInvoice(world.db, 'flagged');
  const unconfirmed = { account_id: 'flagged', invoice_id: name.invoiceId, source: 'eu-1' };
  await world.db
    .insertInto('invoice_unconfirmed')
    .values([
      { ...unconfirmed, began_at: 1_768_694_400n, ended_at: 1_768_780_800n },
      { ...unconfirmed, began_at: 1_770_163_200n, ended_at: null },
    ])
    .execute();
  await issueInvoice(world.context, name);
  const row = await findInvoice(world.db, name);
  const seen = world.stripe.state()['invoice']?.find(({ id }) => id === row?.stripe_invoice_id);
  expect(seen?.['footer']).toBe(
    'Not confirmed: source "eu-1" reported nothing from 2026-01-18T00:00:00Z to 2026-01-19T00:00:00Z; ' +
      'what ran of it then is counted as it was last reported. ' +
      'Not confirmed: source "eu-1" reported nothing from 2026-02-04T00:00:00Z until the invoice was made; ' +
      'what ran of it then is counted as it was last reported.',
  );
});

test('an ordinary invoice takes five calls to be paid, to the cent and line', async () => {
  await withCard('ordinary');
  const before = world.stripe.calls().length;
  const name = await freezeInvoice(world.db, 'ordinary', [
    { description: 'App web', cents: 2_500n },
    { description: 'App worker', cents: 81n },
    { description: 'Credit', cents: -1_000n, kind: 'credit' },
  ]);
  await useCredit(name, 1_000n);
  expect(await issueInvoice(world.context, name)).toMatchObject({ state: 'paid' });
  const calls = world.stripe.calls().slice(before);
  expect(calls.map(({ method, path }) => `${method} ${path.replaceAll(/in_\w+/g, 'in')}`)).toEqual([
    'POST /v1/invoices',
    'POST /v1/invoices/in/add_lines',
    'GET /v1/invoices/in',
    'POST /v1/invoices/in/finalize',
    'POST /v1/invoices/in/pay',
  ]);
  const row = await findInvoice(world.db, name);
  const seen = world.stripe.state()['invoice']?.find(({ id }) => id === row?.stripe_invoice_id);
  expect(seen).toMatchObject({
    status: 'paid',
    total: 1_581,
    amount_paid: 1_581,
    auto_advance: false,
  });
  expect(seen?.['lines']).toMatchObject({
    data: [{ amount: -1_000 }, { amount: 81 }, { amount: 2_500 }].toReversed(),
  });
});

test('the news of an ordinary invoice, which come when it is paid, cost no call', async () => {
  const name = await freezeInvoice(world.db, await withCard('quiet'));
  await world.hear();
  await issueInvoice(world.context, name);
  const before = world.stripe.calls().length;
  const { byOutcome } = await world.hear();
  expect(byOutcome['settled']).toBeGreaterThan(3);
  expect(world.stripe.calls().slice(before)).toEqual([]);
});

test('running it again, or in a batch, changes nothing and calls nobody', async () => {
  const name = await freezeInvoice(world.db, await withCard('again'));
  await issueInvoice(world.context, name);
  const before = world.stripe.calls().length;
  expect(await issueInvoice(world.context, name)).toMatchObject({ state: 'paid' });
  expect(await issueDue(world.context)).toMatchObject({ tried: 0 });
  expect(world.stripe.calls().length).toBe(before);
});
