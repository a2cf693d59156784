import type { z } from 'zod';
import type { Db } from '../../database/pool.ts';
import { recordDrift } from '../drift.ts';
import type { Params } from '../gateway.ts';
import { syncDispute } from '../news/sync-dispute.ts';
import { syncRefundsOfIntent, syncRefundsOfInvoice } from '../news/sync-refunds.ts';
import { customerObject, disputeObject, refundObject, type StripeRefund } from '../objects.ts';
import type { StripeContext } from '../operation.ts';
import { readList, readObject } from '../read.ts';
import { checkRefunds } from './check-refunds.ts';

/** Takes over refunds and disputes since `from` that we did not hear of, or not to their end, and looks for ours. */
export async function checkRecentMoney(context: StripeContext, from: Date): Promise<void> {
  const params = { created: { gte: Math.floor(from.getTime() / 1000) } };
  const { db, gateway } = context;
  const listed = new Map<string, StripeRefund>();
  for await (const refund of readList(gateway, refundObject, '/v1/refunds', params)) {
    listed.set(refund.id, refund);
    if (refund.payment_intent === null || (await isBooked(db, refund))) continue;
    await syncRefundsOfIntent(context, refund.payment_intent);
  }
  for await (const dispute of readList(gateway, disputeObject, '/v1/disputes', params)) {
    if (!(await isNoted(db, dispute))) await syncDispute(context, dispute.id);
  }
  await checkRefunds(context, { from }, listed);
}

/** The same for one account, however long ago. */
export async function checkMoneyOf(context: StripeContext, accountId: string): Promise<void> {
  const paid = await context.db
    .selectFrom('invoice')
    .select('stripe_invoice_id')
    .where('account_id', '=', accountId)
    .where('state', '=', 'paid')
    .execute();
  for (const { stripe_invoice_id: id } of paid) {
    if (id !== null) await syncRefundsOfInvoice(context, id);
  }
  await checkRefunds(context, { accountId });
}

/** Nothing of ours ever uses Stripe's customer balance: two ledgers that net invoices would pay twice. */
export async function checkBalances(
  { db, gateway, clock }: StripeContext,
  only?: { readonly customerId: string },
): Promise<void> {
  const one = async function* (): AsyncGenerator<z.infer<typeof customerObject>> {
    const path = `/v1/customers/${only?.customerId}`;
    const customer = await readObject(gateway, customerObject, path);
    if (customer !== undefined) yield customer;
  };
  const all: Params = {};
  const customers =
    only === undefined ? readList(gateway, customerObject, '/v1/customers', all) : one();
  for await (const customer of customers) {
    const accountId = customer.metadata['gm_account'];
    const balance = BigInt(customer.balance ?? 0);
    if (accountId === undefined || balance === 0n) continue;
    await recordDrift(db, clock(), [
      {
        accountId,
        driftId: `customer_balance:${customer.id}`,
        kind: 'customer_balance',
        cents: balance,
        details: { stripe_customer: customer.id },
      },
    ]);
  }
}

/** Which of our states says the same as Stripe's status of a refund. */
const STATES: Readonly<Record<string, string>> = {
  succeeded: 'done',
  pending: 'pending',
  requires_action: 'pending',
  failed: 'failed',
  canceled: 'failed',
};

async function isBooked(db: Db, refund: z.infer<typeof refundObject>): Promise<boolean> {
  const row = await db
    .selectFrom('refund')
    .select('state')
    .where('stripe_refund_id', '=', refund.id)
    .executeTakeFirst();
  return row !== undefined && row.state === STATES[refund.status ?? 'succeeded'];
}

async function isNoted(db: Db, dispute: z.infer<typeof disputeObject>): Promise<boolean> {
  const row = await db
    .selectFrom('dispute')
    .select('status')
    .where('dispute_id', '=', dispute.id)
    .executeTakeFirst();
  return row?.status === dispute.status;
}
