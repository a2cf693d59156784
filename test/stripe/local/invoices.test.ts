import { describe, expect, it } from 'vitest';
import {
  customerWithCard,
  draft,
  eventTypes,
  refusalOf,
  sdk,
  start,
  STARTED_AT,
} from './support.ts';

const NOW = STARTED_AT.getTime() / 1000;

describe('a draft', () => {
  it('has the fields Stripe gives a one-off invoice', async () => {
    const stripe = sdk(await start());
    const { customer } = await customerWithCard(stripe);
    const invoice = await draft(stripe, customer, [], {
      description: 'November',
      statement_descriptor: 'GIGAMETER',
      discounts: '',
      metadata: { gm_bill: 'b1' },
    });
    expect(invoice).toMatchObject({
      status: 'draft',
      billing_reason: 'manual',
      auto_advance: false,
      collection_method: 'charge_automatically',
      currency: 'usd',
      created: NOW,
      period_start: NOW,
      period_end: NOW,
      total: 0,
      amount_due: 0,
      starting_balance: 0,
      ending_balance: null,
      number: null,
      hosted_invoice_url: null,
      invoice_pdf: null,
      effective_at: null,
      attempted: false,
      attempt_count: 0,
      automatically_finalizes_at: null,
      next_payment_attempt: null,
      description: 'November',
      statement_descriptor: 'GIGAMETER',
      customer_name: 'Acme',
      customer_email: 'billing@acme.example',
      metadata: { gm_bill: 'b1' },
      livemode: false,
      status_transitions: {
        finalized_at: null,
        marked_uncollectible_at: null,
        paid_at: null,
        voided_at: null,
      },
    });
    expect(invoice.payments).toBeUndefined();
    expect(invoice.lines).toMatchObject({
      data: [],
      has_more: false,
      url: `/v1/invoices/${invoice.id}/lines`,
    });
  });

  it('adds up its lines, each with the item that was minted for it', async () => {
    const stripe = sdk(await start());
    const { customer } = await customerWithCard(stripe);
    const made = await draft(stripe, customer, []);
    const invoice = await stripe.invoices.addLines(made.id, {
      lines: [
        {
          amount: 2500,
          description: 'web',
          discountable: false,
          period: { start: 100, end: 200 },
          metadata: { gm_line: '1' },
        },
        { amount: -500, description: 'credit', metadata: { gm_line: '2' } },
      ],
      invoice_metadata: { gm_lines_sha256: 'x' },
    });
    expect(invoice).toMatchObject({
      subtotal: 2000,
      total: 2000,
      amount_due: 2000,
      amount_remaining: 2000,
      metadata: { gm_lines_sha256: 'x' },
    });
    const [line] = invoice.lines.data;
    expect(line).toMatchObject({
      amount: 2500,
      description: 'web',
      discountable: false,
      period: { start: 100, end: 200 },
      metadata: { gm_line: '1' },
      quantity: 1,
    });
    expect(line?.id).toMatch(/^il_/);
    const item = line?.parent?.invoice_item_details?.invoice_item ?? '';
    expect(await stripe.invoiceItems.retrieve(item)).toMatchObject({
      amount: 2500,
      invoice: invoice.id,
      customer,
    });
  });

  it('shows ten lines and pages through the rest in order', async () => {
    const stripe = sdk(await start());
    const { customer } = await customerWithCard(stripe);
    const amounts = Array.from({ length: 95 }, (_, index) => 100 + index);
    const invoice = await draft(stripe, customer, amounts);
    expect(invoice.lines.data).toHaveLength(10);
    expect(invoice.lines.has_more).toBe(true);
    const seen: number[] = [];
    for await (const line of stripe.invoices.listLineItems(invoice.id, { limit: 40 }))
      seen.push(line.amount);
    expect(seen).toEqual(amounts);
  });

  it('rounds quantity times a decimal price to the cent, half up, exactly', async () => {
    const stripe = sdk(await start());
    const { customer } = await customerWithCard(stripe);
    await stripe.invoiceItems.create({
      customer,
      currency: 'usd',
      quantity: 268,
      unit_amount_decimal: wireDecimal('0.001866786'),
    });
    await stripe.invoiceItems.create({
      customer,
      currency: 'usd',
      quantity: 250_000_000,
      unit_amount_decimal: wireDecimal('0.001866786'),
    });
    const invoice = await draft(stripe, customer, [], {
      pending_invoice_items_behavior: 'include',
    });
    expect(invoice.lines.data.map(({ amount }) => amount)).toEqual([1, 466_697]);
  });

  it('takes pending items only when told to include them, and each only once', async () => {
    const stripe = sdk(await start());
    const { customer } = await customerWithCard(stripe);
    const item = await stripe.invoiceItems.create({ customer, currency: 'usd', amount: 300 });
    expect((await stripe.invoiceItems.list({ customer, pending: true })).data).toHaveLength(1);
    expect((await draft(stripe, customer, [])).total).toBe(0);
    const taking = await draft(stripe, customer, [], { pending_invoice_items_behavior: 'include' });
    expect(taking.total).toBe(300);
    expect((await stripe.invoiceItems.list({ customer, pending: true })).data).toEqual([]);
    expect(
      (await draft(stripe, customer, [], { pending_invoice_items_behavior: 'include' })).total,
    ).toBe(0);
    const refusal = await refusalOf(
      stripe.invoices.addLines((await draft(stripe, customer, [])).id, {
        lines: [{ invoice_item: item.id }],
      }),
    );
    expect(refusal.statusCode).toBe(400);
  });

  it('keeps its items when it is deleted', async () => {
    const stripe = sdk(await start());
    const { customer } = await customerWithCard(stripe);
    const invoice = await draft(stripe, customer, [300]);
    expect(await stripe.invoices.del(invoice.id)).toMatchObject({ id: invoice.id, deleted: true });
    expect((await refusalOf(stripe.invoices.retrieve(invoice.id))).statusCode).toBe(404);
    expect((await refusalOf(stripe.invoices.del(invoice.id))).statusCode).toBe(404);
    expect((await stripe.invoiceItems.list({ customer, pending: true })).data).toEqual([]);
    expect(await eventTypes(stripe)).toContain('invoice.deleted');
  });

  it('lets lines be changed, removed with their item, or set free', async () => {
    const stripe = sdk(await start());
    const { customer } = await customerWithCard(stripe);
    const invoice = await draft(stripe, customer, [100, 200, 300]);
    const [a = '', b = '', c = ''] = invoice.lines.data.map(({ id }) => id);
    await stripe.invoices.updateLines(invoice.id, {
      lines: [{ id: a, amount: 150, description: 'changed' }],
    });
    await stripe.invoices.updateLineItem(invoice.id, b, { amount: 250 });
    const removed = await stripe.invoices.removeLines(invoice.id, {
      lines: [{ id: c, behavior: 'unassign' }],
    });
    expect(removed.total).toBe(400);
    expect(
      (await stripe.invoiceItems.list({ customer, pending: true })).data.map(
        ({ amount }) => amount,
      ),
    ).toEqual([300]);
    const left = await stripe.invoices.removeLines(invoice.id, {
      lines: [{ id: a, behavior: 'delete' }],
    });
    expect(left.total).toBe(250);
    expect((await stripe.invoiceItems.list({ customer })).data.map(({ amount }) => amount)).toEqual(
      [300, 250],
    );
  });

  it('follows its items when they are made, changed or deleted through their own endpoints', async () => {
    const stripe = sdk(await start());
    const { customer } = await customerWithCard(stripe);
    const invoice = await draft(stripe, customer, []);
    const item = await stripe.invoiceItems.create({ invoice: invoice.id, customer, amount: 100 });
    await stripe.invoiceItems.update(item.id, { amount: 120, description: 'x' });
    expect(await stripe.invoices.retrieve(invoice.id)).toMatchObject({
      total: 120,
      lines: { data: [{ description: 'x' }] },
    });
    await stripe.invoiceItems.del(item.id);
    expect((await stripe.invoices.retrieve(invoice.id)).total).toBe(0);
  });

  it.each([
    ['an amount together with a quantity', [{ amount: 1, quantity: 2 }], 'lines[0][amount]'],
    ['neither amount nor price', [{ amount: 1 }, { description: 'x' }], 'lines[1][amount]'],
  ])('refuses %s, and adds none of the lines', async (_name, lines, param) => {
    const stripe = sdk(await start());
    const { customer } = await customerWithCard(stripe);
    const invoice = await draft(stripe, customer, []);
    expect(await refusalOf(stripe.invoices.addLines(invoice.id, { lines }))).toMatchObject({
      statusCode: 400,
      param,
    });
    expect((await stripe.invoices.retrieve(invoice.id)).lines.data).toEqual([]);
    expect((await stripe.invoiceItems.list({ customer })).data).toEqual([]);
  });

  it('holds 250 lines and refuses the next', async () => {
    const stripe = sdk(await start());
    const { customer } = await customerWithCard(stripe);
    const invoice = await draft(
      stripe,
      customer,
      Array.from({ length: 250 }, () => 1),
    );
    expect(
      (await refusalOf(stripe.invoices.addLines(invoice.id, { lines: [{ amount: 1 }] })))
        .statusCode,
    ).toBe(400);
    expect((await stripe.invoices.retrieve(invoice.id)).total).toBe(250);
  });

  it('refuses a second currency for one customer', async () => {
    const stripe = sdk(await start());
    const { customer } = await customerWithCard(stripe);
    await draft(stripe, customer, [100]);
    expect(await refusalOf(stripe.invoices.create({ customer, currency: 'chf' }))).toMatchObject({
      statusCode: 400,
      param: 'currency',
    });
  });
});

/** The SDK wants its own decimal type for these parameters; on the wire it is this text. */
function wireDecimal(text: string): never {
  return text as never;
}
