import { describe, expect, it } from 'vitest';
import {
  API_VERSION,
  receiver,
  refusalOf,
  sdk,
  start,
  STARTED_AT,
  type Receiver,
} from './support.ts';

const SECRET = 'whsec_test';
const NOW = STARTED_AT.getTime() / 1000;
const HOUR_MS = 3_600_000;

async function listening() {
  const inbox = await receiver();
  const local = await start({ webhooks: { url: inbox.url, secret: SECRET } });
  return { inbox, local, stripe: sdk(local) };
}
const types = (inbox: Receiver): readonly string[] => inbox.received.map(({ type }) => type);

describe('deliveries', () => {
  it("are signed so that Stripe's own SDK accepts them, and only with the right secret", async () => {
    const { inbox, local, stripe } = await listening();
    const customer = await stripe.customers.create({ name: 'Acme' });
    await local.drainWebhooks();
    const [{ body, signature } = { body: '', signature: '' }] = inbox.received;
    const tolerance = 0; // the SDK compares with the machine's clock
    const event = stripe.webhooks.constructEvent(body, signature, SECRET, tolerance);
    expect(event).toMatchObject({
      object: 'event',
      type: 'customer.created',
      api_version: API_VERSION,
      livemode: false,
      created: NOW,
      pending_webhooks: 1,
      data: { object: { id: customer.id, name: 'Acme' } },
    });
    expect(event.request?.id).toMatch(/^req_/);
    expect(signature).toMatch(new RegExp(`^t=${NOW},v1=[0-9a-f]{64}$`));
    expect(() =>
      stripe.webhooks.constructEvent(body, signature, 'whsec_other', tolerance),
    ).toThrow();
    expect(() =>
      stripe.webhooks.constructEvent(body.replace('Acme', 'Evil'), signature, SECRET, tolerance),
    ).toThrow();
  });

  it('go out by themselves, in order, and count as delivered', async () => {
    const { inbox, local, stripe } = await listening();
    await stripe.customers.create({});
    await stripe.products.create({ name: 'x' });
    await local.drainWebhooks();
    expect(types(inbox)).toEqual(['customer.created', 'product.created']);
    expect((await stripe.events.list({ delivery_success: true })).data).toHaveLength(2);
    expect((await stripe.events.list({ delivery_success: false })).data).toEqual([]);
  });

  it('are tried again, freshly signed, until the endpoint accepts them', async () => {
    const { inbox, local, stripe } = await listening();
    inbox.answerWith(500);
    await stripe.customers.create({});
    await local.drainWebhooks();
    expect(inbox.received).toHaveLength(1);
    expect((await stripe.events.list({ delivery_success: false })).data).toHaveLength(1);
    await local.advance(60_000);
    expect(inbox.received).toHaveLength(2);
    inbox.answerWith(200);
    await local.advance(HOUR_MS);
    expect(inbox.received).toHaveLength(3);
    const [one, , three] = inbox.received;
    expect(three?.body).toBe(one?.body);
    expect(three?.signature).not.toBe(one?.signature);
    await local.advance(48 * HOUR_MS);
    expect(inbox.received).toHaveLength(3);
    expect((await stripe.events.list({ delivery_success: false })).data).toEqual([]);
  });

  it('are given up after the first attempt and three more, and stay listed as undelivered', async () => {
    const { inbox, local, stripe } = await listening();
    inbox.answerWith(302);
    const customer = await stripe.customers.create({});
    await local.advance(72 * HOUR_MS);
    expect(inbox.received).toHaveLength(4);
    const [lost] = (await stripe.events.list({ delivery_success: false })).data;
    expect(lost).toMatchObject({ type: 'customer.created', data: { object: { id: customer.id } } });
  });

  it('survive an endpoint that is not there', async () => {
    const local = await start({ webhooks: { url: 'http://127.0.0.1:9/none', secret: SECRET } });
    const stripe = sdk(local);
    await stripe.customers.create({});
    await local.drainWebhooks();
    expect((await stripe.events.list({ delivery_success: false })).data).toHaveLength(1);
  });
});

describe('webhooks on demand', () => {
  it('are lost', async () => {
    const { inbox, local, stripe } = await listening();
    local.faults.add({ kind: 'lose', event: 'customer.created' });
    await stripe.customers.create({});
    await stripe.customers.create({});
    await local.advance(72 * HOUR_MS);
    expect(types(inbox)).toEqual(['customer.created']);
    expect((await stripe.events.list({ delivery_success: false })).data).toHaveLength(1);
  });

  it('are doubled', async () => {
    const { inbox, local, stripe } = await listening();
    local.faults.add({ kind: 'double', event: 'customer.created' });
    await stripe.customers.create({});
    await local.drainWebhooks();
    expect(inbox.received).toHaveLength(2);
    expect(inbox.received[0]?.id).toBe(inbox.received[1]?.id);
  });

  it('are reordered', async () => {
    const { inbox, local, stripe } = await listening();
    local.faults.add({ kind: 'hold', event: 'customer.created' });
    local.faults.add({ kind: 'reorder', event: 'customer.updated' });
    const customer = await stripe.customers.create({});
    await local.drainWebhooks();
    expect(inbox.received).toEqual([]);
    local.faults.clear();
    await local.drainWebhooks();
    local.faults.add({ kind: 'reorder', event: 'setup_intent.created' });
    await stripe.setupIntents.create({
      customer: customer.id,
      payment_method: 'pm_card_visa',
      confirm: true,
    });
    await local.drainWebhooks();
    expect(types(inbox)).toEqual([
      'customer.created',
      'payment_method.attached',
      'setup_intent.created',
      'setup_intent.succeeded',
    ]);
  });

  it('are held back until released', async () => {
    const { inbox, local, stripe } = await listening();
    local.faults.add({ kind: 'hold', event: 'customer.created' });
    await stripe.customers.create({});
    await stripe.products.create({ name: 'x' });
    await local.drainWebhooks();
    expect(types(inbox)).toEqual(['product.created']);
    local.faults.release();
    await local.drainWebhooks();
    expect(types(inbox)).toEqual(['product.created', 'customer.created']);
  });

  it('arrive before the answer of the call that caused them', async () => {
    const { inbox, local, stripe } = await listening();
    local.faults.add({ kind: 'webhooks_first', method: 'POST', path: '/v1/customers' });
    await stripe.customers.create({});
    expect(types(inbox)).toEqual(['customer.created']);
  });
});

describe('endpoints made through the API', () => {
  it('show their secret once, get the events they want, and none when disabled or deleted', async () => {
    const inbox = await receiver();
    const local = await start();
    const stripe = sdk(local);
    const made = await stripe.webhookEndpoints.create({
      url: inbox.url,
      enabled_events: ['customer.created'],
      api_version: API_VERSION,
    });
    expect(made.secret).toMatch(/^whsec_/);
    expect((await stripe.webhookEndpoints.retrieve(made.id)).secret).toBeUndefined();
    await stripe.customers.create({});
    await stripe.products.create({ name: 'x' });
    await local.drainWebhooks();
    expect(types(inbox)).toEqual(['customer.created']);
    const [{ body, signature } = { body: '', signature: '' }] = inbox.received;
    expect(stripe.webhooks.constructEvent(body, signature, made.secret ?? '', 0).type).toBe(
      'customer.created',
    );
    expect((await stripe.webhookEndpoints.update(made.id, { disabled: true })).status).toBe(
      'disabled',
    );
    await stripe.customers.create({});
    await stripe.webhookEndpoints.update(made.id, { disabled: false, enabled_events: ['*'] });
    expect(await stripe.webhookEndpoints.del(made.id)).toMatchObject({ deleted: true });
    await stripe.customers.create({});
    await local.drainWebhooks();
    expect(inbox.received).toHaveLength(1);
  });
});

describe('events', () => {
  it('are listed by type and types, and kept for 30 days', async () => {
    const local = await start();
    const stripe = sdk(local);
    const customer = await stripe.customers.create({});
    await stripe.customers.update(customer.id, { name: 'x' });
    await stripe.products.create({ name: 'x' });
    expect((await stripe.events.list({ type: 'customer.updated' })).data).toHaveLength(1);
    expect(
      (await stripe.events.list({ types: ['customer.created', 'product.created'] })).data.map(
        ({ type }) => type,
      ),
    ).toEqual(['product.created', 'customer.created']);
    expect(
      (
        await refusalOf(
          stripe.events.list({ types: Array.from({ length: 21 }, () => 'customer.created') }),
        )
      ).statusCode,
    ).toBe(400);
    const [event] = (await stripe.events.list()).data;
    expect(await stripe.events.retrieve(event?.id ?? '')).toEqual(event);
    await local.advance(30 * 24 * HOUR_MS);
    expect((await stripe.events.list()).data).toEqual([]);
  });

  it('show an invoice with its lines, and what changed', async () => {
    const stripe = sdk(await start());
    const customer = await stripe.customers.create({});
    const invoice = await stripe.invoices.create({ customer: customer.id });
    await stripe.invoices.addLines(invoice.id, { lines: [{ amount: 500 }] });
    const [event] = (await stripe.events.list({ type: 'invoice.updated' })).data;
    expect(event?.data).toMatchObject({
      object: { total: 500, lines: { data: [{ amount: 500 }] } },
      previous_attributes: { total: 0 },
    });
  });
});
