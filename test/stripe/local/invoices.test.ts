import { describe, expect, it } from 'vitest';
import {
  customerWithCard,
  draft,
  eventTypes,
  finalized,
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

describe('finalizing', () => {
  it('numbers per customer, makes one payment and collects nothing', async () => {
    const stripe = sdk(await start());
    const { customer } = await customerWithCard(stripe);
    const one = await finalized(stripe, customer, [2500]);
    const two = await finalized(stripe, customer, [100]);
    expect(one).toMatchObject({
      status: 'open',
      amount_due: 2500,
      amount_remaining: 2500,
      amount_paid: 0,
      effective_at: NOW,
      ending_balance: 0,
      attempted: false,
    });
    expect([one.number, two.number].map((number) => number?.slice(-5))).toEqual(['-0001', '-0002']);
    expect(one.number?.slice(0, -5)).toBe(two.number?.slice(0, -5));
    expect(one.hosted_invoice_url).toContain(one.id);
    const shown = await stripe.invoices.retrieve(one.id, {
      expand: ['payments.data.payment.payment_intent'],
    });
    expect(shown.payments?.data).toHaveLength(1);
    expect(shown.payments?.data[0]).toMatchObject({
      is_default: true,
      status: 'open',
      amount_requested: 2500,
      amount_paid: null,
      payment: {
        payment_intent: { amount: 2500, status: 'requires_payment_method', latest_charge: null },
      },
    });
    expect((await eventTypes(stripe)).filter((type) => type.startsWith('charge'))).toEqual([]);
  });

  it('is refused a second time', async () => {
    const stripe = sdk(await start());
    const { customer } = await customerWithCard(stripe);
    const invoice = await finalized(stripe, customer, [2500]);
    const refusal = await refusalOf(stripe.invoices.finalizeInvoice(invoice.id));
    expect(refusal).toMatchObject({
      statusCode: 400,
      message: "This invoice is already finalized, you can't re-finalize a non-draft invoice.",
    });
    expect(refusal.code).toBeUndefined();
  });

  it('pays an empty invoice at once', async () => {
    const stripe = sdk(await start());
    const { customer } = await customerWithCard(stripe);
    expect(await finalized(stripe, customer, [])).toMatchObject({
      status: 'paid',
      amount_due: 0,
      amount_paid: 0,
      attempted: true,
      attempt_count: 0,
    });
  });

  it.each([1, 49])(
    'marks %i cents paid and moves them to the balance, for the next invoice to collect',
    async (cents) => {
      const stripe = sdk(await start());
      const { customer } = await customerWithCard(stripe);
      expect(await finalized(stripe, customer, [cents])).toMatchObject({
        status: 'paid',
        total: cents,
        amount_due: 0,
        amount_paid: 0,
        ending_balance: cents,
      });
      const [entry] = (await stripe.customers.listBalanceTransactions(customer)).data;
      expect(entry).toMatchObject({ amount: cents, type: 'invoice_too_small' });
      const next = await draft(stripe, customer, [1000]);
      expect(next).toMatchObject({
        starting_balance: cents,
        total: 1000,
        amount_due: 1000 + cents,
      });
      expect(await stripe.invoices.finalizeInvoice(next.id)).toMatchObject({
        status: 'open',
        amount_due: 1000 + cents,
        ending_balance: 0,
      });
    },
  );

  it('asks for 50 cents, the smallest charge', async () => {
    const stripe = sdk(await start());
    const { customer } = await customerWithCard(stripe);
    expect(await finalized(stripe, customer, [50])).toMatchObject({
      status: 'open',
      amount_due: 50,
    });
  });

  it("uses up the customer's credit, and gives it back when voided", async () => {
    const stripe = sdk(await start());
    const { customer } = await customerWithCard(stripe);
    await stripe.customers.createBalanceTransaction(customer, { amount: -700, currency: 'usd' });
    const invoice = await finalized(stripe, customer, [1000]);
    expect(invoice).toMatchObject({
      starting_balance: -700,
      ending_balance: 0,
      total: 1000,
      amount_due: 300,
    });
    await stripe.invoices.voidInvoice(invoice.id);
    expect(await stripe.customers.retrieve(customer)).toMatchObject({ balance: -700 });
  });

  it('turns a negative total into credit and is paid', async () => {
    const stripe = sdk(await start());
    const { customer } = await customerWithCard(stripe);
    expect(await finalized(stripe, customer, [100, -400])).toMatchObject({
      status: 'paid',
      total: -300,
      amount_due: 0,
      ending_balance: -300,
    });
    expect(await stripe.customers.retrieve(customer)).toMatchObject({ balance: -300 });
  });

  it('freezes the invoice but for metadata', async () => {
    const stripe = sdk(await start());
    const { customer } = await customerWithCard(stripe);
    const invoice = await finalized(stripe, customer, [2500]);
    const lineId = invoice.lines.data[0]?.id ?? '';
    expect((await stripe.invoices.update(invoice.id, { metadata: { a: 'b' } })).metadata).toEqual({
      a: 'b',
    });
    expect(await refusalOf(stripe.invoices.update(invoice.id, { description: 'x' }))).toMatchObject(
      {
        statusCode: 400,
        param: 'description',
        message: "Finalized invoices can't be updated in this way",
      },
    );
    expect(
      await refusalOf(stripe.invoices.addLines(invoice.id, { lines: [{ amount: 1 }] })),
    ).toMatchObject({ statusCode: 400, code: 'invoice_not_editable' });
    expect(
      (
        await refusalOf(
          stripe.invoices.removeLines(invoice.id, { lines: [{ id: lineId, behavior: 'delete' }] }),
        )
      ).code,
    ).toBe('invoice_not_editable');
    expect(await refusalOf(stripe.invoices.del(invoice.id))).toMatchObject({
      statusCode: 400,
      message: 'You can only delete draft invoices.',
    });
  });
});

describe('void and uncollectible', () => {
  it('void an open invoice, and its payment with it', async () => {
    const stripe = sdk(await start());
    const { customer } = await customerWithCard(stripe);
    const invoice = await finalized(stripe, customer, [2500]);
    const gone = await stripe.invoices.voidInvoice(invoice.id, {
      expand: ['payments.data.payment.payment_intent'],
    });
    expect(gone).toMatchObject({ status: 'void', status_transitions: { voided_at: NOW } });
    expect(gone.payments?.data[0]).toMatchObject({
      status: 'canceled',
      payment: { payment_intent: { status: 'canceled' } },
    });
    expect((await refusalOf(stripe.invoices.pay(invoice.id))).statusCode).toBe(400);
  });

  it('refuse to void drafts, paid and uncollectible invoices', async () => {
    const stripe = sdk(await start());
    const { customer } = await customerWithCard(stripe);
    const voidOf = async (id: string) => (await refusalOf(stripe.invoices.voidInvoice(id))).message;
    const notOpen = "You can only pass in open invoices. This invoice isn't open.";
    expect(await voidOf((await draft(stripe, customer, [2500])).id)).toBe(notOpen);
    const paid = await finalized(stripe, customer, [2500]);
    await stripe.invoices.pay(paid.id);
    expect(await voidOf(paid.id)).toBe('Invoices with `paid` payments cannot be voided.');
    const lost = await finalized(stripe, customer, [2500]);
    await stripe.invoices.markUncollectible(lost.id);
    expect(await voidOf(lost.id)).toBe(notOpen);
  });

  it('an uncollectible invoice can still be paid, but not marked twice', async () => {
    const stripe = sdk(await start());
    const { customer } = await customerWithCard(stripe);
    const invoice = await finalized(stripe, customer, [2500]);
    expect((await stripe.invoices.markUncollectible(invoice.id)).status).toBe('uncollectible');
    expect((await refusalOf(stripe.invoices.markUncollectible(invoice.id))).message).toBe(
      'This invoice has already been marked uncollectible.',
    );
    expect((await stripe.invoices.pay(invoice.id)).status).toBe('paid');
  });
});

describe('auto_advance', () => {
  it('finalizes a draft after an hour and collects it, so that a wrong flag shows', async () => {
    const local = await start();
    const stripe = sdk(local);
    const { customer } = await customerWithCard(stripe);
    const invoice = await draft(stripe, customer, [2500], { auto_advance: true });
    expect(invoice).toMatchObject({
      automatically_finalizes_at: NOW + 3601,
      next_payment_attempt: NOW + 3600,
    });
    await local.advance(3600_000);
    expect((await stripe.invoices.retrieve(invoice.id)).status).toBe('draft');
    await local.advance(1000);
    expect(await stripe.invoices.retrieve(invoice.id)).toMatchObject({
      status: 'paid',
      status_transitions: { finalized_at: NOW + 3601, paid_at: NOW + 3601 },
    });
    const [event] = (await stripe.events.list({ type: 'invoice.paid' })).data;
    expect(event?.request).toEqual({ id: null, idempotency_key: null });
  });

  it('at finalization makes Stripe collect before we do', async () => {
    const stripe = sdk(await start());
    const { customer } = await customerWithCard(stripe);
    const invoice = await draft(stripe, customer, [2500]);
    await stripe.invoices.finalizeInvoice(invoice.id, { auto_advance: true });
    expect((await refusalOf(stripe.invoices.pay(invoice.id))).message).toBe(
      'Invoice is already paid',
    );
  });

  it('switched off leaves a draft and an open invoice alone for ever', async () => {
    const local = await start();
    const stripe = sdk(local);
    const { customer } = await customerWithCard(stripe);
    const first = await draft(stripe, customer, [2500]);
    const second = await finalized(stripe, customer, [2500]);
    await local.advance(90 * 86_400_000);
    expect((await stripe.invoices.retrieve(first.id)).status).toBe('draft');
    expect((await stripe.invoices.retrieve(second.id)).status).toBe('open');
  });

  it('can be switched on for an open invoice, and is off for a closed one', async () => {
    const local = await start();
    const stripe = sdk(local);
    const { customer } = await customerWithCard(stripe);
    const invoice = await finalized(stripe, customer, [2500]);
    await stripe.invoices.update(invoice.id, { auto_advance: true });
    local.tick();
    expect(await stripe.invoices.retrieve(invoice.id)).toMatchObject({
      status: 'paid',
      auto_advance: false,
    });
    expect(
      (await refusalOf(stripe.invoices.update(invoice.id, { auto_advance: true }))).statusCode,
    ).toBe(400);
  });

  it('leaves an invoice open whose card declines, with no further attempt of its own', async () => {
    const local = await start();
    const stripe = sdk(local);
    const { customer } = await customerWithCard(stripe, 'tok_chargeCustomerFail');
    const invoice = await draft(stripe, customer, [2500], { auto_advance: true });
    await local.advance(30 * 86_400_000);
    expect(await stripe.invoices.retrieve(invoice.id)).toMatchObject({
      status: 'open',
      attempted: true,
      attempt_count: 1,
      next_payment_attempt: null,
    });
    expect((await stripe.charges.list()).data).toHaveLength(1);
  });
});

describe('invoices sent by mail', () => {
  it('have a due date, need an e-mail address and are sent', async () => {
    const stripe = sdk(await start());
    const { customer } = await customerWithCard(stripe);
    const invoice = await draft(stripe, customer, [2500], {
      collection_method: 'send_invoice',
      days_until_due: 7,
    });
    expect(invoice.due_date).toBe(NOW + 7 * 86_400);
    expect((await stripe.invoices.sendInvoice(invoice.id)).status).toBe('open');
    expect(await eventTypes(stripe)).toContain('invoice.sent');
    const nobody = await stripe.customers.create({});
    const silent = await draft(stripe, nobody.id, [2500], {
      collection_method: 'send_invoice',
      days_until_due: 7,
    });
    expect((await refusalOf(stripe.invoices.finalizeInvoice(silent.id))).message).toContain(
      'Missing email',
    );
  });
});

/** The SDK wants its own decimal type for these parameters; on the wire it is this text. */
function wireDecimal(text: string): never {
  return text as never;
}
