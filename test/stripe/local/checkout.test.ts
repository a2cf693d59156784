import { describe, expect, it } from 'vitest';
import { eventTypes, refusalOf, sdk, start } from './support.ts';

describe('Checkout in setup mode', () => {
  const session = async () => {
    const local = await start();
    const stripe = sdk(local);
    const customer = await stripe.customers.create({});
    const made = await stripe.checkout.sessions.create({
      mode: 'setup',
      customer: customer.id,
      currency: 'usd',
      success_url: 'http://shop.example/done?s={CHECKOUT_SESSION_ID}',
      cancel_url: 'http://shop.example/no',
      metadata: { gm_account: 'acme' },
    });
    return { local, stripe, customer, made };
  };

  it('shows a page with test cards, takes one, and sends the browser back', async () => {
    const { stripe, customer, made } = await session();
    const shown = await fetch(made.url ?? '');
    const html = await shown.text();
    expect(html).toContain('tok_visa');
    const action = /action="([^"]+)"/.exec(html)?.[1] ?? '';
    const sent = await fetch(new URL(action, made.url ?? ''), {
      method: 'POST',
      body: new URLSearchParams({ token: 'tok_amex' }),
      redirect: 'manual',
    });
    expect(sent.status).toBe(303);
    expect(sent.headers.get('location')).toBe(`http://shop.example/done?s=${made.id}`);
    const after = await stripe.checkout.sessions.retrieve(made.id, {
      expand: ['setup_intent.payment_method'],
    });
    expect(after).toMatchObject({ status: 'complete', metadata: { gm_account: 'acme' } });
    const intent = typeof after.setup_intent === 'string' ? null : after.setup_intent;
    expect(intent?.payment_method).toMatchObject({
      card: { brand: 'amex' },
      customer: customer.id,
    });
    expect((await eventTypes(stripe)).slice(-3)).toEqual([
      'payment_method.attached',
      'setup_intent.succeeded',
      'checkout.session.completed',
    ]);
  });

  it('stays open after a declined card and can be tried with another', async () => {
    const { local, stripe, made } = await session();
    expect(() => local.completeCheckout(made.id, 'tok_chargeDeclined')).toThrow('declined');
    expect((await stripe.checkout.sessions.retrieve(made.id)).status).toBe('open');
    expect(local.completeCheckout(made.id, 'tok_visa').status).toBe('complete');
  });

  it('expires after a day, or when told to, and is then of no use', async () => {
    const { local, stripe, made } = await session();
    await local.advance(24 * 3_600_000);
    expect((await stripe.checkout.sessions.retrieve(made.id)).status).toBe('expired');
    expect(await eventTypes(stripe)).toContain('checkout.session.expired');
    expect(() => local.completeCheckout(made.id, 'tok_visa')).toThrow('expired');
    expect((await refusalOf(stripe.checkout.sessions.expire(made.id))).statusCode).toBe(400);
  });

  it.each([
    ['currency', { mode: 'setup', success_url: 'http://x.example' }],
    ['success_url', { mode: 'setup', currency: 'usd' }],
    ['mode', { mode: 'payment', success_url: 'http://x.example' }],
  ] as const)('is refused without a usable %s', async (param, params) => {
    const stripe = sdk(await start());
    expect(await refusalOf(stripe.checkout.sessions.create(params))).toMatchObject({
      statusCode: 400,
      param,
    });
  });
});
