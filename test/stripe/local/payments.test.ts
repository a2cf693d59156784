import Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import {
  customerWithCard,
  draft,
  eventTypes,
  finalized,
  idOf,
  refusalOf,
  sdk,
  start,
  STARTED_AT,
} from './support.ts';

const NOW = STARTED_AT.getTime() / 1000;
const MONEY_PATH = { expand: ['payments.data.payment.payment_intent.latest_charge'] };

async function open(token: string, amount = 2500) {
  const local = await start();
  const stripe = sdk(local);
  const { customer, card } = await customerWithCard(stripe, token);
  return { local, stripe, customer, card, invoice: await finalized(stripe, customer, [amount]) };
}

describe('paying', () => {
  it('takes the money once, through the one payment of the invoice', async () => {
    const { stripe, card, invoice } = await open('tok_visa');
    const paid = await stripe.invoices.pay(invoice.id, { payment_method: card, ...MONEY_PATH });
    expect(paid).toMatchObject({
      status: 'paid',
      amount_paid: 2500,
      amount_remaining: 0,
      attempted: true,
      attempt_count: 1,
      status_transitions: { paid_at: NOW },
    });
    const [payment] = paid.payments?.data ?? [];
    expect(payment).toMatchObject({
      status: 'paid',
      amount_paid: 2500,
      payment: {
        payment_intent: {
          status: 'succeeded',
          amount_received: 2500,
          payment_method: card,
          latest_charge: {
            status: 'succeeded',
            paid: true,
            amount: 2500,
            outcome: { type: 'authorized' },
          },
        },
      },
    });
    expect(await refusalOf(stripe.invoices.pay(invoice.id))).toMatchObject({
      statusCode: 400,
      message: 'Invoice is already paid',
    });
    expect((await stripe.charges.list()).data).toHaveLength(1);
  });

  it('tells the story in this order', async () => {
    const { stripe, invoice } = await open('tok_visa');
    const before = (await eventTypes(stripe)).length;
    await stripe.invoices.pay(invoice.id);
    expect((await eventTypes(stripe)).slice(before)).toEqual([
      'charge.succeeded',
      'payment_intent.succeeded',
      'invoice_payment.paid',
      'invoice.updated',
      'invoice.paid',
      'invoice.payment_succeeded',
    ]);
  });

  it('finalizes a draft first', async () => {
    const { stripe, customer } = await open('tok_visa');
    const invoice = await draft(stripe, customer, [700]);
    expect(await stripe.invoices.pay(invoice.id)).toMatchObject({
      status: 'paid',
      amount_paid: 700,
    });
  });

  it("prefers the card named, then the invoice's, then the customer's", async () => {
    const { stripe, customer, card } = await open('tok_visa');
    const [named, own] = [
      await stripe.paymentMethods.attach('pm_card_amex', { customer }),
      await stripe.paymentMethods.attach('pm_card_mastercard', { customer }),
    ];
    const usedBy = async (
      params: Stripe.InvoicePayParams,
      more: Stripe.InvoiceCreateParams = {},
    ) => {
      const invoice = await finalized(stripe, customer, [500], more);
      const paid = await stripe.invoices.pay(invoice.id, {
        ...params,
        expand: ['payments.data.payment.payment_intent'],
      });
      const intent = paid.payments?.data[0]?.payment.payment_intent;
      return typeof intent === 'object' ? intent.payment_method : null;
    };
    expect(await usedBy({ payment_method: named.id }, { default_payment_method: own.id })).toBe(
      named.id,
    );
    expect(await usedBy({}, { default_payment_method: own.id })).toBe(own.id);
    expect(await usedBy({})).toBe(card);
  });

  it('is refused without any card, or with one that is not attached to the customer', async () => {
    const stripe = sdk(await start());
    const customer = await stripe.customers.create({});
    const invoice = await finalized(stripe, customer.id, [2500]);
    const loose = await stripe.paymentMethods.create({ type: 'card', card: { token: 'tok_visa' } });
    expect((await refusalOf(stripe.invoices.pay(invoice.id))).message).toContain(
      'default_payment_method',
    );
    expect(
      (await refusalOf(stripe.invoices.pay(invoice.id, { payment_method: loose.id }))).statusCode,
    ).toBe(400);
    expect(await stripe.invoices.retrieve(invoice.id)).toMatchObject({
      status: 'open',
      attempted: false,
    });
  });

  it('can happen outside Stripe, with no charge', async () => {
    const { stripe, invoice } = await open('tok_visa');
    expect(await stripe.invoices.pay(invoice.id, { paid_out_of_band: true })).toMatchObject({
      status: 'paid',
      amount_paid: 2500,
      amount_paid_off_stripe: 2500,
    });
    expect((await stripe.charges.list()).data).toEqual([]);
    expect(await eventTypes(stripe)).toContain('invoice.paid');
  });

  it('can be done by the customer on the hosted page, after which we are told that it is paid', async () => {
    const { local, stripe, invoice } = await open('tok_threeDSecure2Required');
    expect((await refusalOf(stripe.invoices.pay(invoice.id))).code).toBe('authentication_required');
    local.payOnPage(invoice.id, 'tok_threeDSecure2Required');
    expect((await stripe.invoices.retrieve(invoice.id)).status).toBe('paid');
    expect((await refusalOf(stripe.invoices.pay(invoice.id))).message).toBe(
      'Invoice is already paid',
    );
  });

  it('leaves the way back from the money to the invoice', async () => {
    const { stripe, customer, invoice } = await open('tok_visa');
    const other = await finalized(stripe, customer, [900]);
    await stripe.invoices.pay(invoice.id);
    await stripe.invoices.pay(other.id);
    const [latest] = (await stripe.charges.list({ customer, limit: 1 })).data;
    const found = await stripe.invoicePayments.list({
      payment: { type: 'payment_intent', payment_intent: idOf(latest?.payment_intent) },
    });
    expect(found.data.map((payment) => payment.invoice)).toEqual([other.id]);
    expect(
      (await stripe.invoicePayments.list({ invoice: invoice.id, status: 'paid' })).data,
    ).toHaveLength(1);
  });

  it('books the money less fees in our balance', async () => {
    const { stripe, invoice } = await open('tok_visa', 10_000);
    await stripe.invoices.pay(invoice.id);
    const [entry] = (await stripe.balanceTransactions.list({ type: 'charge' })).data;
    expect(entry).toMatchObject({ amount: 10_000, fee: 320, net: 9680 });
    expect((await stripe.balance.retrieve()).available).toMatchObject([
      { amount: 9680, currency: 'usd' },
    ]);
  });
});

describe('a declined card', () => {
  it('answers 402 with the failed charge and the intent, and leaves the invoice open', async () => {
    const { stripe, invoice } = await open('tok_chargeCustomerFail');
    const refusal = await refusalOf(stripe.invoices.pay(invoice.id));
    expect(refusal).toBeInstanceOf(Stripe.errors.StripeCardError);
    expect(refusal).toMatchObject({
      statusCode: 402,
      code: 'card_declined',
      decline_code: 'generic_decline',
      payment_intent: { status: 'requires_payment_method', object: 'payment_intent' },
    });
    const after = await stripe.invoices.retrieve(invoice.id, MONEY_PATH);
    expect(after).toMatchObject({
      status: 'open',
      attempted: true,
      attempt_count: 1,
      amount_remaining: 2500,
    });
    expect(after.payments?.data[0]?.payment.payment_intent).toMatchObject({
      status: 'requires_payment_method',
      last_payment_error: { code: 'card_declined', decline_code: 'generic_decline' },
      latest_charge: {
        id: refusal.raw && (refusal.raw as { charge: string }).charge,
        status: 'failed',
        failure_code: 'card_declined',
        outcome: { reason: 'generic_decline' },
      },
    });
  });

  it('tells the story in this order', async () => {
    const { stripe, invoice } = await open('tok_chargeCustomerFail');
    const before = (await eventTypes(stripe)).length;
    await refusalOf(stripe.invoices.pay(invoice.id));
    expect((await eventTypes(stripe)).slice(before)).toEqual([
      'charge.failed',
      'payment_intent.payment_failed',
      'invoice.updated',
      'invoice.payment_failed',
    ]);
  });

  it('can be tried again by hand without raising the attempt count, and paid with another card', async () => {
    const { stripe, customer, invoice } = await open('tok_chargeCustomerFail');
    await refusalOf(stripe.invoices.pay(invoice.id));
    await refusalOf(stripe.invoices.pay(invoice.id));
    expect((await stripe.invoices.retrieve(invoice.id)).attempt_count).toBe(1);
    expect((await stripe.charges.list()).data).toHaveLength(2);
    const better = await stripe.paymentMethods.attach('pm_card_visa', { customer });
    expect((await stripe.invoices.pay(invoice.id, { payment_method: better.id })).status).toBe(
      'paid',
    );
    const paid = await stripe.paymentIntents.list({ customer });
    expect(paid.data).toHaveLength(1);
    expect(paid.data[0]).toMatchObject({ status: 'succeeded', last_payment_error: null });
  });

  it('that wants the customer present says so', async () => {
    const { stripe, invoice } = await open('tok_threeDSecure2Required');
    expect(await refusalOf(stripe.invoices.pay(invoice.id))).toMatchObject({
      statusCode: 402,
      code: 'authentication_required',
      decline_code: 'authentication_required',
    });
    expect(await eventTypes(stripe)).toContain('invoice.payment_action_required');
    expect((await stripe.invoices.pay(invoice.id, { off_session: false })).status).toBe('paid');
  });

  it('can be made of any card, with any decline code, and be undone', async () => {
    const { local, stripe, card, invoice } = await open('tok_visa');
    local.setCharges(card, 'lost_card');
    expect(await refusalOf(stripe.invoices.pay(invoice.id))).toMatchObject({
      statusCode: 402,
      decline_code: 'lost_card',
    });
    const [charge] = (await stripe.charges.list()).data;
    expect(charge?.outcome).toMatchObject({ advice_code: 'do_not_try_again', reason: 'lost_card' });
    local.setCharges(card, null);
    expect((await stripe.invoices.pay(invoice.id)).status).toBe('paid');
  });
});
