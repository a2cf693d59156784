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
