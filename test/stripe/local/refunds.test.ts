import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import type { LocalStripe } from '../../../src/stripe/local/local-stripe.ts';
import { customerWithCard, eventTypes, finalized, idOf, refusalOf, sdk, start } from './support.ts';

type Paid = {
  readonly local: LocalStripe;
  readonly stripe: Stripe;
  readonly customer: string;
  readonly invoice: string;
  readonly charge: string;
  readonly intent: string;
};

async function paid(amount: number, token = 'tok_visa'): Promise<Paid> {
  const local = await start();
  const stripe = sdk(local);
  const { customer } = await customerWithCard(stripe, token);
  const invoice = await finalized(stripe, customer, [amount]);
  await stripe.invoices.pay(invoice.id);
  const [charge] = (await stripe.charges.list()).data;
  return {
    local,
    stripe,
    customer,
    invoice: invoice.id,
    charge: charge?.id ?? '',
    intent: idOf(charge?.payment_intent),
  };
}

describe('refunds', () => {
  it('add up on the charge until nothing is left', async () => {
    const { stripe, charge, intent } = await paid(7000);
    const part = await stripe.refunds.create({
      payment_intent: intent,
      amount: 4000,
      reason: 'requested_by_customer',
      metadata: { gm_refund: 'r1' },
    });
    expect(part).toMatchObject({
      status: 'succeeded',
      amount: 4000,
      charge,
      payment_intent: intent,
      metadata: { gm_refund: 'r1' },
    });
    expect(await stripe.charges.retrieve(charge)).toMatchObject({
      amount_refunded: 4000,
      refunded: false,
    });
    expect(await refusalOf(stripe.refunds.create({ charge, amount: 4000 }))).toMatchObject({
      statusCode: 400,
      param: 'amount',
      message: 'Refund amount ($40.00) is greater than unrefunded amount on charge ($30.00)',
    });
    await stripe.refunds.create({ charge });
    expect(await stripe.charges.retrieve(charge, { expand: ['refunds'] })).toMatchObject({
      amount_refunded: 7000,
      refunded: true,
      refunds: { data: [{ amount: 3000 }, { amount: 4000 }] },
    });
    expect(await refusalOf(stripe.refunds.create({ charge }))).toMatchObject({
      statusCode: 400,
      code: 'charge_already_refunded',
      message: `Charge ${charge} has already been refunded.`,
    });
    expect((await stripe.refunds.list({ payment_intent: intent })).data).toHaveLength(2);
  });

  it('are told before the charge is', async () => {
    const { stripe, charge } = await paid(7000);
    await stripe.refunds.create({ charge });
    expect((await eventTypes(stripe)).slice(-2)).toEqual(['refund.created', 'charge.refunded']);
  });

  it('need a successful charge and an amount above zero', async () => {
    const { stripe, charge } = await paid(7000);
    expect((await refusalOf(stripe.refunds.create({}))).statusCode).toBe(400);
    expect((await refusalOf(stripe.refunds.create({ charge, amount: 0 }))).code).toBe(
      'parameter_invalid_integer',
    );
    expect((await refusalOf(stripe.refunds.create({ charge: 'ch_no' }))).code).toBe(
      'resource_missing',
    );
  });

  it('can change metadata later, and cannot be cancelled once done', async () => {
    const { stripe, charge } = await paid(7000);
    const refund = await stripe.refunds.create({ charge });
    expect((await stripe.refunds.update(refund.id, { metadata: { a: 'b' } })).metadata).toEqual({
      a: 'b',
    });
    expect((await refusalOf(stripe.refunds.cancel(refund.id))).statusCode).toBe(400);
  });

  it('of the card that fails them turn out failed an hour later, and the money is ours again', async () => {
    const { local, stripe, charge } = await paid(7000, 'tok_refundFail');
    const refund = await stripe.refunds.create({ charge });
    expect(refund.status).toBe('succeeded');
    await local.advance(3_600_000);
    expect(await stripe.refunds.retrieve(refund.id)).toMatchObject({
      status: 'failed',
      failure_reason: 'unknown',
    });
    expect((await stripe.charges.retrieve(charge)).amount_refunded).toBe(0);
    expect((await eventTypes(stripe)).slice(-2)).toEqual(['refund.updated', 'refund.failed']);
  });

  it('of the card that delays them are pending for an hour', async () => {
    const { local, stripe, charge } = await paid(7000, 'tok_pendingRefund');
    const refund = await stripe.refunds.create({ charge });
    expect(refund.status).toBe('pending');
    await local.advance(3_600_000);
    expect((await stripe.refunds.retrieve(refund.id)).status).toBe('succeeded');
  });

  it('can be made to fail by the bank', async () => {
    const { local, stripe, charge } = await paid(7000);
    const refund = await stripe.refunds.create({ charge });
    local.failRefund(refund.id);
    expect((await stripe.refunds.retrieve(refund.id)).status).toBe('failed');
  });
});

describe('credit notes after payment', () => {
  it('refund and write it on the invoice in one call', async () => {
    const { stripe, invoice, charge } = await paid(7000);
    const note = await stripe.creditNotes.create({
      invoice,
      amount: 2500,
      refund_amount: 2500,
      reason: 'order_change',
      email_type: 'none',
      metadata: { gm_refund: 'r1' },
    });
    expect(note).toMatchObject({
      status: 'issued',
      type: 'post_payment',
      amount: 2500,
      post_payment_amount: 2500,
      pre_payment_amount: 0,
      metadata: { gm_refund: 'r1' },
    });
    expect(note.number).toMatch(/-0001-CN-01$/);
    expect(note.refunds).toHaveLength(1);
    expect((await stripe.charges.retrieve(charge)).amount_refunded).toBe(2500);
    expect(await stripe.invoices.retrieve(invoice)).toMatchObject({
      status: 'paid',
      amount_paid: 7000,
      post_payment_credit_notes_amount: 2500,
    });
    expect((await eventTypes(stripe)).slice(-4)).toEqual([
      'refund.created',
      'charge.refunded',
      'credit_note.created',
      'invoice.updated',
    ]);
    expect((await stripe.creditNotes.list({ invoice })).data.map(({ id }) => id)).toEqual([
      note.id,
    ]);
  });

  it('can link a refund made before, or credit the balance, or say it was paid elsewhere', async () => {
    const { stripe, customer, invoice, charge } = await paid(7000);
    const refund = await stripe.refunds.create({ charge, amount: 1000 });
    const note = await stripe.creditNotes.create({
      invoice,
      amount: 1600,
      refunds: [{ refund: refund.id, amount_refunded: 1000 }],
      credit_amount: 500,
      out_of_band_amount: 100,
    });
    expect(note).toMatchObject({
      out_of_band_amount: 100,
      refunds: [{ refund: refund.id, amount_refunded: 1000 }],
    });
    expect((await stripe.charges.retrieve(charge)).amount_refunded).toBe(1000);
    expect(await stripe.customers.retrieve(customer)).toMatchObject({ balance: -500 });
  });

  it.each([
    ['parts that do not add up', { amount: 2500, refund_amount: 2000 }],
    ['no parts at all', { amount: 2500 }],
    ['more than the invoice', { amount: 7001, refund_amount: 7001 }],
    ['nothing', {}],
  ])('are refused with %s, and refund nothing', async (_name, params) => {
    const { stripe, invoice, charge } = await paid(7000);
    expect((await refusalOf(stripe.creditNotes.create({ invoice, ...params }))).statusCode).toBe(
      400,
    );
    expect((await stripe.charges.retrieve(charge)).amount_refunded).toBe(0);
    expect((await stripe.creditNotes.list({ invoice })).data).toEqual([]);
  });

  it('never refund more than the charge still has, even beside plain refunds', async () => {
    const { stripe, invoice, charge } = await paid(7000);
    await stripe.refunds.create({ charge, amount: 5000 });
    expect(
      await refusalOf(stripe.creditNotes.create({ invoice, amount: 2500, refund_amount: 2500 })),
    ).toMatchObject({ statusCode: 400, param: 'amount' });
    expect(
      (await stripe.creditNotes.create({ invoice, amount: 2000, refund_amount: 2000 })).status,
    ).toBe('issued');
  });

  it('can be previewed without anything happening', async () => {
    const { stripe, invoice, charge } = await paid(7000);
    expect(
      await stripe.creditNotes.preview({ invoice, amount: 2500, refund_amount: 2500 }),
    ).toMatchObject({ amount: 2500, type: 'post_payment' });
    expect((await stripe.charges.retrieve(charge)).amount_refunded).toBe(0);
    expect((await stripe.creditNotes.list({ invoice })).data).toEqual([]);
  });

  it('cannot be voided, but explained', async () => {
    const { stripe, invoice } = await paid(7000);
    const note = await stripe.creditNotes.create({ invoice, amount: 100, refund_amount: 100 });
    expect((await refusalOf(stripe.creditNotes.voidCreditNote(note.id))).statusCode).toBe(400);
    expect((await stripe.creditNotes.update(note.id, { memo: 'sorry' })).memo).toBe('sorry');
  });
});

describe('credit notes before payment', () => {
  it('lower what an open invoice asks for, and its payment; voided, they raise it again', async () => {
    const stripe = sdk(await start());
    const { customer } = await customerWithCard(stripe);
    const invoice = await finalized(stripe, customer, [7000]);
    const note = await stripe.creditNotes.create({ invoice: invoice.id, amount: 2000 });
    expect(note.type).toBe('pre_payment');
    expect(await stripe.invoices.retrieve(invoice.id)).toMatchObject({
      status: 'open',
      amount_remaining: 5000,
      pre_payment_credit_notes_amount: 2000,
    });
    await stripe.creditNotes.voidCreditNote(note.id);
    expect((await stripe.invoices.retrieve(invoice.id)).amount_remaining).toBe(7000);
    await stripe.creditNotes.create({ invoice: invoice.id, amount: 500 });
    expect(await stripe.invoices.pay(invoice.id)).toMatchObject({
      status: 'paid',
      amount_paid: 6500,
    });
    expect((await stripe.charges.list()).data[0]?.amount).toBe(6500);
  });

  it('of the whole amount pay the invoice', async () => {
    const stripe = sdk(await start());
    const { customer } = await customerWithCard(stripe);
    const invoice = await finalized(stripe, customer, [7000]);
    const note = await stripe.creditNotes.create({
      invoice: invoice.id,
      lines: [
        {
          type: 'invoice_line_item',
          invoice_line_item: invoice.lines.data[0]?.id ?? '',
          amount: 4000,
        },
        { type: 'custom_line_item', description: 'rest', unit_amount: 1500, quantity: 2 },
      ],
    });
    expect(note.amount).toBe(7000);
    expect(
      (await stripe.creditNotes.listLineItems(note.id)).data.map(({ amount }) => amount),
    ).toEqual([4000, 3000]);
    expect(await stripe.invoices.retrieve(invoice.id)).toMatchObject({
      status: 'paid',
      amount_paid: 0,
      amount_remaining: 0,
    });
  });

  it('are refused on drafts', async () => {
    const stripe = sdk(await start());
    const { customer } = await customerWithCard(stripe);
    const invoice = await stripe.invoices.create({ customer });
    expect(
      (await refusalOf(stripe.creditNotes.create({ invoice: invoice.id, amount: 1 }))).statusCode,
    ).toBe(400);
  });
});
