import { describe, expect, it } from 'vitest';
import { customerWithCard, eventTypes, finalized, idOf, refusalOf, sdk, start } from './support.ts';

async function open(token: string) {
  const local = await start();
  const stripe = sdk(local);
  const { customer } = await customerWithCard(stripe, token);
  return { local, stripe, invoice: await finalized(stripe, customer, [2500]) };
}

describe('disputes', () => {
  it('take the money at once, leave the invoice paid and forbid refunds until won', async () => {
    const { local, stripe, invoice } = await open('tok_createDispute');
    await stripe.invoices.pay(invoice.id);
    expect((await stripe.invoices.retrieve(invoice.id)).status).toBe('paid');
    const [dispute] = (await stripe.disputes.list()).data;
    expect(dispute).toMatchObject({
      amount: 2500,
      status: 'needs_response',
      is_charge_refundable: false,
      reason: 'fraudulent',
    });
    expect(dispute?.id).toMatch(/^du_/);
    const charge = idOf(dispute?.charge);
    expect(await refusalOf(stripe.refunds.create({ charge }))).toMatchObject({
      statusCode: 400,
      code: 'charge_disputed',
    });
    local.closeDispute(dispute?.id ?? '', 'won');
    expect(await stripe.disputes.retrieve(dispute?.id ?? '')).toMatchObject({
      status: 'won',
      is_charge_refundable: true,
    });
    expect((await stripe.refunds.create({ charge })).status).toBe('succeeded');
    const types = await eventTypes(stripe);
    expect(types.filter((type) => type.startsWith('charge.dispute'))).toEqual([
      'charge.dispute.created',
      'charge.dispute.funds_withdrawn',
      'charge.dispute.updated',
      'charge.dispute.closed',
      'charge.dispute.funds_reinstated',
    ]);
  });

  it('can be opened by the bank over any paid invoice, and be lost', async () => {
    const { local, stripe, invoice } = await open('tok_visa');
    await stripe.invoices.pay(invoice.id);
    const dispute = local.dispute(invoice.id, { amountCents: 1000, reason: 'duplicate' });
    expect(await stripe.disputes.retrieve(dispute.id)).toMatchObject({
      amount: 1000,
      reason: 'duplicate',
    });
    local.closeDispute(dispute.id, 'lost');
    expect(await stripe.disputes.retrieve(dispute.id)).toMatchObject({
      status: 'lost',
      is_charge_refundable: false,
    });
    expect(() => local.dispute(invoice.id)).toThrow('only once');
  });
});
