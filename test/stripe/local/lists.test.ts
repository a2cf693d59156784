import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import {
  customerWithCard,
  draft,
  finalized,
  refusalOf,
  sdk,
  start,
  STARTED_AT,
  wire,
} from './support.ts';

const NOW = STARTED_AT.getTime() / 1000;

/** Customers made a second apart, oldest first. */
async function several(count: number): Promise<{
  readonly stripe: Stripe;
  readonly ids: readonly string[];
  readonly local: Awaited<ReturnType<typeof start>>;
}> {
  const local = await start();
  const stripe = sdk(local);
  const ids: string[] = [];
  for (let index = 0; index < count; index++) {
    ids.push(
      (
        await stripe.customers.create({
          email: `c${index}@acme.example`,
          metadata: { n: String(index) },
        })
      ).id,
    );
    await local.advance(1000);
  }
  return { stripe, ids, local };
}
const idsOf = (list: { readonly data: readonly { readonly id: string }[] }): readonly string[] =>
  list.data.map(({ id }) => id);

describe('lists', () => {
  it('are newest first, ten by default, and page forward and backward', async () => {
    const { stripe, ids, local } = await several(12);
    const newest = ids.toReversed();
    const first = await stripe.customers.list();
    expect(idsOf(first)).toEqual(newest.slice(0, 10));
    expect(first).toMatchObject({ object: 'list', has_more: true, url: '/v1/customers' });
    const rest = await stripe.customers.list({ starting_after: newest[9] ?? '' });
    expect(idsOf(rest)).toEqual(newest.slice(10));
    expect(rest.has_more).toBe(false);
    const back = await stripe.customers.list({ ending_before: newest[6] ?? '', limit: 3 });
    expect(idsOf(back)).toEqual(newest.slice(3, 6));
    expect(back.has_more).toBe(true);
    const seen: string[] = [];
    for await (const customer of stripe.customers.list({ limit: 5 })) seen.push(customer.id);
    expect(seen).toEqual(newest);
    expect((await wire(local, 'GET', '/v1/customers?limit=100')).json.data).toHaveLength(12);
  });

  it.each([0, 101])('refuse a limit of %i', async (limit) => {
    expect(await refusalOf(sdk(await start()).customers.list({ limit }))).toMatchObject({
      statusCode: 400,
      code: 'parameter_invalid_integer',
      param: 'limit',
    });
  });

  it('refuse a cursor that names nothing', async () => {
    expect(
      await refusalOf(sdk(await start()).customers.list({ starting_after: 'cus_no' })),
    ).toMatchObject({ statusCode: 400, param: 'starting_after' });
  });

  it('filter by creation, with bounds or exactly', async () => {
    const { stripe, ids } = await several(4);
    const created = async (range: Stripe.RangeQueryParam | number) =>
      idsOf(await stripe.customers.list({ created: range })).toReversed();
    expect(await created({ gt: NOW, lte: NOW + 2 })).toEqual(ids.slice(1, 3));
    expect(await created({ gte: NOW + 1, lt: NOW + 3 })).toEqual(ids.slice(1, 3));
    expect(await created(NOW + 3)).toEqual(ids.slice(3));
  });

  it('filter by their fields, and refuse filters they do not have or do not imitate', async () => {
    const { stripe, ids, local } = await several(3);
    expect(idsOf(await stripe.customers.list({ email: 'c1@acme.example' }))).toEqual([ids[1]]);
    const [open, waiting] = [
      await finalized(stripe, ids[0] ?? '', [100]),
      await draft(stripe, ids[1] ?? '', [100]),
    ];
    expect(idsOf(await stripe.invoices.list({ status: 'open' }))).toEqual([open.id]);
    expect(idsOf(await stripe.invoices.list({ customer: ids[1] ?? '' }))).toEqual([waiting.id]);
    expect((await wire(local, 'GET', '/v1/invoices?colour=red')).json.error).toMatchObject({
      code: 'parameter_unknown',
      param: 'colour',
    });
    expect((await wire(local, 'GET', '/v1/invoices?subscription=sub_1')).json.error.param).toBe(
      'subscription',
    );
  });
});

describe('search', () => {
  it('answers from an index that is a minute late', async () => {
    const { stripe, ids, local } = await several(2);
    const query = "metadata['n']:'1' AND created>0";
    expect((await stripe.customers.search({ query })).data).toEqual([]);
    await local.advance(60_000);
    expect(idsOf(await stripe.customers.search({ query }))).toEqual([ids[1]]);
    expect(idsOf(await stripe.customers.search({ query: "email~'acme'", limit: 1 }))).toHaveLength(
      1,
    );
    const all: string[] = [];
    for await (const customer of stripe.customers.search({ query: "email~'acme'", limit: 1 }))
      all.push(customer.id);
    expect(all).toEqual(ids.toReversed());
    expect((await refusalOf(stripe.customers.search({ query: 'who knows' }))).statusCode).toBe(400);
  });
});

describe('expansion', () => {
  it('goes four levels deep, also inside lists', async () => {
    const stripe = sdk(await start());
    const { customer, card } = await customerWithCard(stripe);
    const invoice = await finalized(stripe, customer, [2500]);
    await stripe.invoices.pay(invoice.id);
    const list = await stripe.invoices.list({
      expand: [
        'data.payments.data.payment.payment_intent.latest_charge',
        'data.customer.invoice_settings.default_payment_method',
      ],
    });
    expect(list.data[0]).toMatchObject({
      customer: {
        id: customer,
        invoice_settings: { default_payment_method: { id: card, card: { last4: '4242' } } },
      },
      payments: {
        data: [
          { payment: { payment_intent: { latest_charge: { object: 'charge', amount: 2500 } } } },
        ],
      },
    });
    const charge = await stripe.charges.list({
      expand: ['data.balance_transaction', 'data.refunds'],
    });
    expect(charge.data[0]).toMatchObject({
      balance_transaction: { object: 'balance_transaction' },
      refunds: { data: [] },
    });
  });

  it('leaves null alone and shows a deleted customer as its stub', async () => {
    const stripe = sdk(await start());
    const { customer } = await customerWithCard(stripe);
    const invoice = await draft(stripe, customer, []);
    await stripe.customers.del(customer);
    const shown = await stripe.invoices.retrieve(invoice.id, {
      expand: ['customer', 'default_payment_method'],
    });
    expect(shown).toMatchObject({
      customer: { id: customer, deleted: true },
      default_payment_method: null,
    });
  });

  it.each([
    'colour',
    'status',
    'customer.colour',
    'lines.customer',
    'payments.data.payment.payment_intent.latest_charge.balance_transaction',
  ])('refuses %s', async (path) => {
    const stripe = sdk(await start());
    const { customer } = await customerWithCard(stripe);
    const invoice = await finalized(stripe, customer, [2500]);
    await stripe.invoices.pay(invoice.id);
    expect(await refusalOf(stripe.invoices.retrieve(invoice.id, { expand: [path] }))).toMatchObject(
      { statusCode: 400, param: 'expand' },
    );
  });
});

it('products are kept for those who want them', async () => {
  const stripe = sdk(await start());
  const product = await stripe.products.create({ name: 'App', metadata: { a: 'b' } });
  expect(await stripe.products.retrieve(product.id)).toMatchObject({
    name: 'App',
    active: true,
    metadata: { a: 'b' },
  });
  expect(idsOf(await stripe.products.list())).toEqual([product.id]);
});

describe('test clocks', () => {
  it('move the time of their customers only, and do what is due on the way', async () => {
    const stripe = sdk(await start());
    const clock = await stripe.testHelpers.testClocks.create({
      frozen_time: NOW - 86_400,
      name: 'story',
    });
    const customer = await stripe.customers.create({
      test_clock: clock.id,
      payment_method: 'pm_card_visa',
    });
    const invoice = await draft(stripe, customer.id, [700], { auto_advance: true });
    expect(invoice).toMatchObject({ created: NOW - 86_400, test_clock: clock.id });
    const moving = await stripe.testHelpers.testClocks.advance(clock.id, { frozen_time: NOW });
    expect(moving.status).toBe('advancing');
    expect((await stripe.testHelpers.testClocks.retrieve(clock.id)).status).toBe('ready');
    expect(await stripe.invoices.retrieve(invoice.id)).toMatchObject({
      status: 'open',
      status_transitions: { finalized_at: NOW },
    });
    expect(
      (await refusalOf(stripe.testHelpers.testClocks.advance(clock.id, { frozen_time: NOW - 1 })))
        .statusCode,
    ).toBe(400);
    await stripe.testHelpers.testClocks.del(clock.id);
    expect(await stripe.customers.retrieve(customer.id)).toMatchObject({ deleted: true });
    expect((await stripe.testHelpers.testClocks.list()).data).toEqual([]);
  });
});
