import { describe, expect, it } from 'vitest';
import { customerWithCard, eventTypes, refusalOf, sdk, start, wire } from './support.ts';

describe('payment methods from tokens', () => {
  it.each([
    ['tok_visa', 'visa', '4242'],
    ['tok_mastercard', 'mastercard', '4444'],
    ['tok_amex', 'amex', '0005'],
    ['tok_chargeCustomerFail', 'visa', '0341'],
    ['tok_threeDSecure2Required', 'visa', '3220'],
  ])(
    '%s is a card with brand, last four digits and expiry, usable again and again',
    async (token, brand, last4) => {
      const stripe = sdk(await start());
      const one = await stripe.paymentMethods.create({ type: 'card', card: { token } });
      const two = await stripe.paymentMethods.create({ type: 'card', card: { token } });
      expect(one.card).toMatchObject({ brand, last4, exp_month: 12, exp_year: 2030 });
      expect(one.customer).toBeNull();
      expect(two.id).not.toBe(one.id);
      expect(two.card?.fingerprint).toBe(one.card?.fingerprint);
    },
  );

  it('a token made by a browser works once', async () => {
    const local = await start();
    const stripe = sdk(local);
    const token = local.mintToken('tok_visa');
    expect((await stripe.tokens.retrieve(token.id)).used).toBe(false);
    await stripe.paymentMethods.create({ type: 'card', card: { token: token.id } });
    const refusal = await refusalOf(
      stripe.paymentMethods.create({ type: 'card', card: { token: token.id } }),
    );
    expect(refusal).toMatchObject({ statusCode: 400, code: 'token_already_used' });
    expect((await stripe.tokens.retrieve(token.id)).used).toBe(true);
  });

  it('an unknown token is refused as missing', async () => {
    const stripe = sdk(await start());
    const refusal = await refusalOf(
      stripe.paymentMethods.create({ type: 'card', card: { token: 'tok_nobody' } }),
    );
    expect(refusal).toMatchObject({
      statusCode: 400,
      code: 'resource_missing',
      message: "No such token: 'tok_nobody'",
    });
  });

  it('raw card fields are refused, so that no card number is ever kept', async () => {
    const local = await start();
    const card = await wire(
      local,
      'POST',
      '/v1/payment_methods',
      'type=card&card[number]=x&card[exp_month]=1&card[exp_year]=2030',
    );
    const token = await wire(
      local,
      'POST',
      '/v1/tokens',
      'card[number]=x&card[exp_month]=1&card[exp_year]=2030',
    );
    expect([card.status, token.status]).toEqual([400, 400]);
  });

  it('billing details, metadata and expiry can be changed', async () => {
    const stripe = sdk(await start());
    const made = await stripe.paymentMethods.create({
      type: 'card',
      card: { token: 'tok_visa' },
      billing_details: { name: 'Ann' },
    });
    const changed = await stripe.paymentMethods.update(made.id, {
      card: { exp_month: 3, exp_year: 2031 },
      metadata: { a: 'b' },
    });
    expect(changed).toMatchObject({
      billing_details: { name: 'Ann' },
      card: { exp_month: 3, exp_year: 2031 },
      metadata: { a: 'b' },
    });
  });
});

describe('attaching and detaching', () => {
  it('attaches once, answers the same when repeated, and refuses another customer', async () => {
    const stripe = sdk(await start());
    const { customer, card } = await customerWithCard(stripe);
    expect((await stripe.paymentMethods.attach(card, { customer })).customer).toBe(customer);
    const other = await stripe.customers.create({});
    const refusal = await refusalOf(stripe.paymentMethods.attach(card, { customer: other.id }));
    expect(refusal.statusCode).toBe(400);
    expect((await stripe.customers.listPaymentMethods(customer)).data.map(({ id }) => id)).toEqual([
      card,
    ]);
  });

  it('a detached card leaves the customer without it and cannot be used again', async () => {
    const stripe = sdk(await start());
    const { customer, card } = await customerWithCard(stripe);
    await stripe.paymentMethods.detach(card);
    const after = await stripe.customers.retrieve(customer);
    expect(after.deleted !== true && after.invoice_settings.default_payment_method).toBeNull();
    expect((await refusalOf(stripe.paymentMethods.attach(card, { customer }))).statusCode).toBe(
      400,
    );
    expect((await refusalOf(stripe.paymentMethods.detach(card))).statusCode).toBe(400);
    expect(await eventTypes(stripe)).toContain('payment_method.detached');
  });

  it('the constant names pm_card_* stand for a fresh payment method', async () => {
    const stripe = sdk(await start());
    const customer = await stripe.customers.create({ payment_method: 'pm_card_visa' });
    const attached = await stripe.paymentMethods.attach('pm_card_mastercard', {
      customer: customer.id,
    });
    expect(attached.id).not.toBe('pm_card_mastercard');
    expect(
      (await stripe.paymentMethods.list({ customer: customer.id })).data.map(
        (method) => method.card?.brand,
      ),
    ).toEqual(['mastercard', 'visa']);
  });

  it("another customer's card cannot become the default", async () => {
    const stripe = sdk(await start());
    const { card } = await customerWithCard(stripe);
    const other = await stripe.customers.create({});
    const refusal = await refusalOf(
      stripe.customers.update(other.id, { invoice_settings: { default_payment_method: card } }),
    );
    expect(refusal.statusCode).toBe(400);
  });
});

describe('setup intents', () => {
  const setUp = async (token: string) => {
    const stripe = sdk(await start());
    const customer = await stripe.customers.create({});
    const method = await stripe.paymentMethods.create({ type: 'card', card: { token } });
    const creating = stripe.setupIntents.create({
      customer: customer.id,
      payment_method: method.id,
      confirm: true,
      usage: 'off_session',
      allowed_payment_method_types: ['card'],
    });
    return { stripe, customer, method, creating };
  };

  it('attach a good card on confirmation', async () => {
    const { stripe, customer, method, creating } = await setUp('tok_visa');
    const intent = await creating;
    expect(intent).toMatchObject({
      status: 'succeeded',
      payment_method: method.id,
      usage: 'off_session',
    });
    expect((await stripe.paymentMethods.retrieve(method.id)).customer).toBe(customer.id);
    expect(await eventTypes(stripe)).toEqual([
      'customer.created',
      'setup_intent.created',
      'payment_method.attached',
      'setup_intent.succeeded',
    ]);
  });

  it.each([
    ['tok_chargeDeclined', 'card_declined', 'generic_decline'],
    ['tok_visa_chargeDeclined', 'card_declined', 'generic_decline'],
    ['tok_visa_chargeDeclinedInsufficientFunds', 'card_declined', 'insufficient_funds'],
    ['tok_visa_chargeDeclinedLostCard', 'card_declined', 'lost_card'],
    ['tok_chargeDeclinedExpiredCard', 'expired_card', 'expired_card'],
  ])(
    'answer 402 for %s, which cannot be attached, and remember why',
    async (token, code, decline) => {
      const { stripe, creating } = await setUp(token);
      const refusal = await refusalOf(creating);
      expect(refusal).toMatchObject({
        type: 'StripeCardError',
        statusCode: 402,
        code,
        decline_code: decline,
      });
      const [intent] = (await stripe.setupIntents.list()).data;
      expect(intent).toMatchObject({
        status: 'requires_payment_method',
        last_setup_error: { code, decline_code: decline },
      });
      expect(await eventTypes(stripe)).toContain('setup_intent.setup_failed');
    },
  );

  it('ask the customer when the bank wants to, and go on once answered', async () => {
    const local = await start();
    const stripe = sdk(local);
    const customer = await stripe.customers.create({});
    const method = await stripe.paymentMethods.create({
      type: 'card',
      card: { token: 'tok_threeDSecure2Required' },
    });
    const intent = await stripe.setupIntents.create({
      customer: customer.id,
      payment_method: method.id,
      confirm: true,
    });
    expect(intent.status).toBe('requires_action');
    expect(intent.next_action?.redirect_to_url?.url).toContain(intent.id);
    local.authenticate(intent.id);
    expect((await stripe.setupIntents.retrieve(intent.id)).status).toBe('succeeded');
    expect((await stripe.paymentMethods.retrieve(method.id)).customer).toBe(customer.id);
  });

  it('can be made empty, given a card, confirmed, or cancelled; a closed one is refused', async () => {
    const stripe = sdk(await start());
    const intent = await stripe.setupIntents.create({});
    expect(intent.status).toBe('requires_payment_method');
    expect((await refusalOf(stripe.setupIntents.confirm(intent.id))).code).toBe(
      'setup_intent_unexpected_state',
    );
    expect(
      (await stripe.setupIntents.update(intent.id, { payment_method: 'pm_card_visa' })).status,
    ).toBe('requires_confirmation');
    expect((await stripe.setupIntents.confirm(intent.id)).status).toBe('succeeded');
    expect((await refusalOf(stripe.setupIntents.cancel(intent.id))).code).toBe(
      'setup_intent_unexpected_state',
    );
    const other = await stripe.setupIntents.create({});
    expect(
      (await stripe.setupIntents.cancel(other.id, { cancellation_reason: 'abandoned' })).status,
    ).toBe('canceled');
  });
});
