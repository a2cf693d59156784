import { describe, expect, it } from 'vitest';
import { customerWithCard, eventTypes, finalized, refusalOf, sdk, start } from './support.ts';

describe('customers', () => {
  it('keep name, e-mail, address and metadata, and merge metadata on update', async () => {
    const stripe = sdk(await start());
    const made = await stripe.customers.create({
      name: 'Acme',
      email: 'a@acme.example',
      metadata: { a: '1', b: '2' },
    });
    const after = await stripe.customers.update(made.id, { phone: '+41', metadata: { b: '3' } });
    expect(after).toMatchObject({
      name: 'Acme',
      email: 'a@acme.example',
      phone: '+41',
      metadata: { a: '1', b: '3' },
      balance: 0,
      livemode: false,
    });
    const [event] = (await stripe.events.list({ type: 'customer.updated' })).data;
    expect(event?.data.previous_attributes).toEqual({ phone: null, metadata: { a: '1', b: '2' } });
  });

  it('are still found after deletion, as a stub; nothing new can be made for them', async () => {
    const stripe = sdk(await start());
    const { customer, card } = await customerWithCard(stripe);
    const invoice = await finalized(stripe, customer, [2500]);
    expect(await stripe.customers.del(customer)).toMatchObject({ id: customer, deleted: true });
    expect(await stripe.customers.retrieve(customer)).toMatchObject({
      id: customer,
      deleted: true,
    });
    expect((await stripe.customers.list()).data).toEqual([]);
    expect(await refusalOf(stripe.invoices.create({ customer }))).toMatchObject({
      statusCode: 400,
      code: 'resource_missing',
    });
    expect((await refusalOf(stripe.customers.update(customer, {}))).statusCode).toBe(404);
    expect(
      (await refusalOf(stripe.invoices.pay(invoice.id, { payment_method: card }))).statusCode,
    ).toBe(400);
    expect(await eventTypes(stripe)).toContain('customer.deleted');
  });

  it('have a balance with a transaction for every change of it', async () => {
    const stripe = sdk(await start());
    const customer = await stripe.customers.create({ balance: -500 });
    await stripe.customers.createBalanceTransaction(customer.id, {
      amount: 200,
      currency: 'usd',
      description: 'owed',
    });
    const list = await stripe.customers.listBalanceTransactions(customer.id);
    expect(
      list.data.map(({ amount, ending_balance, type }) => [amount, ending_balance, type]),
    ).toEqual([
      [200, -300, 'adjustment'],
      [-500, -500, 'initial'],
    ]);
  });
});
