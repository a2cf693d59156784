import { describe, expect, it } from 'vitest';
import {
  customerWithCard,
  draft,
  finalized,
  refusalOf,
  sdk,
  start,
  STARTED_AT,
} from './support.ts';

const NOW = STARTED_AT.getTime() / 1000;

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
