import { describe, expect, it } from 'vitest';
import type { LoggedCall } from '../../../src/stripe/local/state/inside.ts';
import type { LocalStripe } from '../../../src/stripe/local/local-stripe.ts';
import {
  customerWithCard,
  eventTypes,
  finalized,
  receiver,
  sdk,
  start,
  STARTED_AT,
} from './support.ts';

type Answered = {
  readonly id: string;
  readonly status: string;
  readonly invoice: unknown;
  readonly charge: unknown;
};

/** The controls as another process uses them. */
async function control(local: LocalStripe, method: string, path: string, body?: object) {
  const answer = await fetch(`${local.url}/local${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  return { status: answer.status, json: (await answer.json()) as Answered };
}

async function paid(local: LocalStripe) {
  const stripe = sdk(local);
  const { customer, card } = await customerWithCard(stripe);
  const invoice = await finalized(stripe, customer, [2500]);
  await stripe.invoices.pay(invoice.id);
  return { stripe, customer, card, invoice: invoice.id };
}

describe('over HTTP, for other processes', () => {
  it('adds, lists and clears faults, and refuses unknown ones', async () => {
    const local = await start();
    await control(local, 'POST', '/faults', {
      kind: 'error_500_before',
      path: '/v1/customers',
      times: 1000,
    });
    expect((await control(local, 'GET', '/faults')).json).toEqual([
      { kind: 'error_500_before', path: '/v1/customers', times: 1000 },
    ]);
    await expect(sdk(local).customers.create({})).rejects.toThrow('An unknown error');
    await control(local, 'POST', '/faults/clear');
    expect((await sdk(local).customers.create({})).id).toMatch(/^cus_/);
    expect((await control(local, 'POST', '/faults', { kind: 'earthquake' })).status).toBe(400);
  });

  it('moves the clock and does what comes due', async () => {
    const local = await start();
    const stripe = sdk(local);
    const { customer } = await customerWithCard(stripe);
    const invoice = await stripe.invoices.create({ customer, auto_advance: true });
    expect((await control(local, 'POST', '/clock', { advanceMs: 7_200_000 })).json).toEqual({
      nowMs: STARTED_AT.getTime() + 7_200_000,
    });
    expect((await control(local, 'GET', '/clock')).json).toEqual({
      nowMs: STARTED_AT.getTime() + 7_200_000,
    });
    expect((await stripe.invoices.retrieve(invoice.id)).status).toBe('paid');
  });

  it('shows every call with method, path, key and status, so that calls per invoice can be counted', async () => {
    const local = await start();
    const { stripe, invoice } = await paid(local);
    await stripe.invoices.update(invoice, { metadata: { a: 'b' } }, { idempotencyKey: 'k' });
    const { json } = await control(
      local,
      'GET',
      `/calls?method=POST&path=${encodeURIComponent(`^/v1/invoices/${invoice}`)}`,
    );
    const calls = json as unknown as readonly LoggedCall[];
    expect(calls.map(({ path }) => path.split('/').at(-1))).toEqual([
      'add_lines',
      'finalize',
      'pay',
      invoice,
    ]);
    expect(calls.at(-1)).toMatchObject({
      method: 'POST',
      idempotencyKey: 'k',
      status: 200,
      hasRun: true,
      isReplay: false,
      fault: null,
      sent: 'metadata[a]=b',
    });
  });

  it('shows the whole state, checked against the schema', async () => {
    const local = await start();
    const { invoice } = await paid(local);
    const { json } = await control(local, 'GET', '/state');
    expect(json.invoice).toMatchObject([
      { id: invoice, status: 'paid', lines: { data: [{ amount: 2500 }] } },
    ]);
    expect(json.charge).toHaveLength(1);
    // The SDK's idempotency keys end in twelve random characters, which may all be digits.
    const texts = JSON.stringify(json).replaceAll(/stripe-node-retry-[-0-9a-f]{36}/g, 'key');
    expect(texts, 'a run of digits as long as a card number').not.toMatch(/\d{12,}/);
  });

  it('disputes, fails refunds, and edits objects by hand like a person in the dashboard', async () => {
    const local = await start();
    const { stripe, invoice } = await paid(local);
    const edited = await control(local, 'POST', `/objects/${invoice}`, {
      description: 'by hand',
      metadata: { x: 'y' },
    });
    expect(edited.json).toMatchObject({ description: 'by hand' });
    expect(await stripe.invoices.retrieve(invoice)).toMatchObject({
      description: 'by hand',
      metadata: { x: 'y' },
    });
    expect((await eventTypes(stripe)).at(-1)).toBe('invoice.updated');
    const [charge] = (await stripe.charges.list()).data;
    const refund = await stripe.refunds.create({ charge: charge?.id ?? '', amount: 500 });
    expect((await control(local, 'POST', `/refunds/${refund.id}/fail`)).json).toMatchObject({
      status: 'failed',
    });
    const dispute = await control(local, 'POST', '/disputes', { id: invoice, amountCents: 1000 });
    expect(dispute.json).toMatchObject({ amount: 1000, status: 'needs_response' });
    expect(
      (await control(local, 'POST', `/disputes/${dispute.json.id}/close`, { outcome: 'lost' })).json
        .status,
    ).toBe('lost');
    expect((await control(local, 'POST', '/disputes', { id: 'ch_no' })).status).toBe(404);
  });

  it('lets the customer act: tokens, Checkout, the bank, the hosted page; and decides how a card behaves', async () => {
    const local = await start();
    const stripe = sdk(local);
    const { customer, card } = await customerWithCard(stripe);
    const token = await control(local, 'POST', '/tokens', { token: 'tok_amex' });
    expect(
      (await stripe.paymentMethods.create({ type: 'card', card: { token: token.json.id } })).card
        ?.brand,
    ).toBe('amex');
    const session = await stripe.checkout.sessions.create({
      mode: 'setup',
      customer,
      currency: 'usd',
      success_url: 'http://x.example',
    });
    expect(
      (await control(local, 'POST', `/checkout/${session.id}/complete`, { token: 'tok_visa' })).json
        .status,
    ).toBe('complete');
    const intent = await stripe.setupIntents.create({
      customer,
      payment_method: 'pm_card_threeDSecure2Required',
      confirm: true,
    });
    expect(
      (await control(local, 'POST', `/setup_intents/${intent.id}/authenticate`)).json.status,
    ).toBe('succeeded');
    await control(local, 'POST', `/cards/${card}`, { charges: 'insufficient_funds' });
    const invoice = await finalized(stripe, customer, [2500]);
    await expect(stripe.invoices.pay(invoice.id)).rejects.toMatchObject({
      decline_code: 'insufficient_funds',
    });
    const declined = await control(local, 'POST', `/invoices/${invoice.id}/pay`, {
      token: 'tok_chargeCustomerFail',
    });
    expect(declined.status).toBe(402);
    expect(
      (await control(local, 'POST', `/invoices/${invoice.id}/pay`, { token: 'tok_visa' })).json
        .status,
    ).toBe('paid');
  });

  it('sends what is held back when told to', async () => {
    const inbox = await receiver();
    const local = await start({ webhooks: { url: inbox.url, secret: 'whsec_x' } });
    await control(local, 'POST', '/faults', { kind: 'hold', event: 'customer.created' });
    await sdk(local).customers.create({});
    await control(local, 'POST', '/webhooks/drain');
    expect(inbox.received).toHaveLength(0);
    await control(local, 'POST', '/release');
    await control(local, 'POST', '/webhooks/drain');
    expect(inbox.received).toHaveLength(1);
  });
});

it('an answer that breaks the schema is a loud 500 of ours, not a quiet lie', async () => {
  const local = await start();
  const { stripe, card } = await paid(local);
  expect(() => local.edit(card, { colour: 'red' })).toThrow('wrong payment_method');
  expect(await stripe.paymentMethods.retrieve(card)).not.toHaveProperty('colour');
});
