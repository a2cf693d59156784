import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { retrySchedule } from '../../src/dunning/retry-schedule.ts';
import { findCard } from '../../src/stripe/cards/card-setup-store.ts';
import { setPaymentMethod } from '../../src/stripe/cards/set-payment-method.ts';
import { reconcile } from '../../src/stripe/checks/reconcile.ts';
import { openGateway, type Gateway } from '../../src/stripe/gateway.ts';
import { findInvoice, type InvoiceName } from '../../src/stripe/issue/invoice-store.ts';
import { issueInvoice } from '../../src/stripe/issue/issue-invoice.ts';
import type { PayContext } from '../../src/stripe/issue/pay-invoice.ts';
import { startLocalStripe } from '../../src/stripe/local/local-stripe.ts';
import { invoiceObject } from '../../src/stripe/objects.ts';
import { readList } from '../../src/stripe/read.ts';
import { giveMoneyBack } from '../../src/stripe/refunds/give-money-back.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { freezeInvoice, makeAccount } from './support/billing.ts';
import { TEST_KEY } from './support/world.ts';

// What we rely on of Stripe, asked of the local Stripe always and of a real sandbox when there is a key:
// were the two to differ, the local one would prove nothing.
const sandboxKey = process.env['STRIPE_API_KEY'] ?? '';
const hasSandbox = sandboxKey.startsWith('sk_test_');
if (!hasSandbox) {
  const bar = '!'.repeat(78);
  console.warn(
    `\n${bar}\n!!  STRIPE_API_KEY is no sk_test_… key: THE CONTRACT WITH THE REAL STRIPE IS NOT TESTED.\n` +
      `!!  Only the local Stripe is.\n${bar}\n`,
  );
}

const clock = (): Date => new Date();

async function openLocal(): Promise<{ gateway: Gateway; close: () => Promise<void> }> {
  const stripe = await startLocalStripe({ clock, environment: 'test' });
  const gateway = openGateway({ apiKey: TEST_KEY, apiBase: stripe.url });
  return { gateway, close: stripe.close };
}

async function openSandbox(): Promise<{ gateway: Gateway; close: () => Promise<void> }> {
  return { gateway: openGateway({ apiKey: sandboxKey }), close: async () => {} };
}

contract('the local Stripe', openLocal, true);
contract('a real sandbox', openSandbox, hasSandbox);

function contract(where: string, open: typeof openLocal, isRun: boolean): void {
  describe.skipIf(!isRun)(`with ${where}`, { timeout: 120_000 }, () => {
    let database: TestDatabase;
    let context: PayContext;
    let close: () => Promise<void>;
    const run = randomBytes(4).toString('hex');
    beforeAll(async () => {
      database = await freshDatabase();
      const stripe = await open();
      close = stripe.close;
      context = { db: database.db, gateway: stripe.gateway, clock, retryAt: retrySchedule() };
    });
    afterAll(async () => {
      await close();
      await database.drop();
    });

    const billed = async (who: string, token: string): Promise<InvoiceName> => {
      const accountId = `contract ${run} ${who}`;
      await makeAccount(database.db, accountId);
      await setPaymentMethod(context, { accountId, source: { token } });
      const now = clock();
      await database.db
        .updateTable('account')
        .set({ upgraded_at: BigInt(Math.floor(now.getTime() / 1000)) })
        .where('account_id', '=', accountId)
        .execute();
      const lines = [
        { description: 'App web, 1339200 replica-size-seconds', cents: 2_500n },
        { description: 'Credit', cents: -1_000n },
      ];
      return await freezeInvoice(database.db, accountId, lines, { createdAt: now });
    };

    test('an invoice is made, verified, finalized and paid, and found by its customer at once', async () => {
      const name = await billed('paid', 'tok_visa');
      expect(await issueInvoice(context, name)).toMatchObject({ state: 'paid' });
      const row = await findInvoice(database.db, name);
      expect(row).toMatchObject({
        stripe_number: expect.any(String),
        hosted_url: expect.stringMatching(/^http/),
      });
      const customer = await database.db
        .selectFrom('stripe_customer')
        .select('stripe_customer_id')
        .where('account_id', '=', name.accountId)
        .executeTakeFirstOrThrow();
      const params = { customer: customer.stripe_customer_id ?? '' };
      const seen: unknown[] = [];
      for await (const one of readList(context.gateway, invoiceObject, '/v1/invoices', params)) {
        seen.push(one);
      }
      expect(seen).toMatchObject([
        { id: row?.stripe_invoice_id, metadata: { gm_bill: name.invoiceId } },
      ]);
      const { accounts } = await reconcile(context, { accountId: name.accountId });
      expect(accounts).toEqual([]);
    });

    test('part of a payment goes back through a credit note', async () => {
      const name = await billed('refund', 'tok_visa');
      await issueInvoice(context, name);
      const { accountId } = name;
      const request = {
        accountId,
        moneyBackId: 'mb',
        amountCents: 400n,
        actor: 'me',
        reason: 'test',
      };
      const given = await giveMoneyBack({ ...context, notYetInvoiced: async () => 0n }, request);
      expect(given.refunds).toMatchObject([{ state: 'done', amountCents: 400n }]);
      const refund = await database.db
        .selectFrom('refund')
        .selectAll()
        .where('account_id', '=', accountId)
        .executeTakeFirstOrThrow();
      expect(refund).toMatchObject({
        credit_note_id: expect.stringMatching(/^cn_/),
        stripe_refund_id: expect.stringMatching(/^(re|pyr)_/),
      });
    });

    test('a declined payment leaves the invoice open and says why', async () => {
      const name = await billed('declined', 'tok_chargeCustomerFail');
      expect(await issueInvoice(context, name)).toMatchObject({ state: 'open' });
      const attempt = await database.db
        .selectFrom('payment_attempt')
        .selectAll()
        .where('account_id', '=', name.accountId)
        .executeTakeFirstOrThrow();
      expect(attempt).toMatchObject({
        state: 'failed',
        error_code: 'card_declined',
        charge_id: expect.stringMatching(/^(ch|py)_/),
      });
    });

    test('a card that cannot be attached is refused in words', async () => {
      const accountId = `contract ${run} refused`;
      await makeAccount(database.db, accountId);
      const source = { token: 'tok_visa_chargeDeclined' };
      await expect(setPaymentMethod(context, { accountId, source })).rejects.toMatchObject({
        code: 'card_declined',
      });
      expect(await findCard(database.db, accountId)).toBeUndefined();
    });

    test('one key gives one answer, and refuses other parameters', async () => {
      const idempotencyKey = `contract-${run}`;
      const call = { method: 'POST', path: '/v1/customers', idempotencyKey } as const;
      const first = await context.gateway.send({ ...call, params: { name: 'one' } });
      const again = await context.gateway.send({ ...call, params: { name: 'one' } });
      if (first.outcome !== 'ok' || again.outcome !== 'ok') throw new Error('not created');
      expect(again.body).toMatchObject({ id: 'id' in first.body ? first.body.id : '' });
      const other = await context.gateway.send({ ...call, params: { name: 'two' } });
      expect(other).toMatchObject({
        outcome: 'refused',
        refusal: { status: 400, type: 'idempotency_error' },
      });
    });

    test('an unknown id is missing', async () => {
      const missing = await context.gateway.send({
        method: 'GET',
        path: '/v1/invoices/in_nothing',
        params: {},
      });
      expect(missing).toMatchObject({ outcome: 'refused', refusal: { code: 'resource_missing' } });
    });
  });
}
