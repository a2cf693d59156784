import { afterAll, beforeAll, expect, test } from 'vitest';
import { retrySchedule } from '../../src/dunning/retry-schedule.ts';
import { setPaymentMethod } from '../../src/stripe/cards/set-payment-method.ts';
import { openGateway } from '../../src/stripe/gateway.ts';
import { issueInvoice } from '../../src/stripe/issue/issue-invoice.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { openBareStripe } from './support/bare-stripe.ts';
import { freezeInvoice, makeAccount } from './support/billing.ts';
import { START, TEST_KEY } from './support/world.ts';

let database: TestDatabase;
let bare: Awaited<ReturnType<typeof openBareStripe>>;
beforeAll(async () => {
  database = await freshDatabase();
  bare = await openBareStripe();
});
afterAll(async () => {
  await bare.close();
  await database.drop();
});

for (const saysNull of [false, true]) {
  test(`an invoice is issued and paid at another server that ${saysNull ? 'says null for' : 'leaves out'} what it likes`, async () => {
    const server = await openBareStripe({ saysNull });
    const gateway = openGateway({ apiKey: TEST_KEY, apiBase: server.url, maxNetworkRetries: 0 });
    const context = { db: database.db, gateway, clock: () => START, retryAt: retrySchedule() };
    const accountId = `other ${saysNull}`;
    await makeAccount(database.db, accountId);
    const card = await setPaymentMethod(context, { accountId, source: { token: 'tok_x' } });
    expect(card).toMatchObject({ last4: '1111', brand: null });
    const name = await freezeInvoice(database.db, accountId);
    expect(await issueInvoice(context, name)).toMatchObject({ state: 'paid' });
    await server.close();
  });
}

test("an error that is not in Stripe's form is an unknown outcome, not a success", async () => {
  const gateway = openGateway({ apiKey: TEST_KEY, apiBase: bare.url, maxNetworkRetries: 0 });
  const answer = await gateway.send({ method: 'POST', path: '/v1/unheard_of', params: {} });
  expect(answer).toMatchObject({ outcome: 'unknown', status: 404 });
});

test('nobody listening is an unknown outcome', async () => {
  const gateway = openGateway({
    apiKey: TEST_KEY,
    apiBase: 'http://127.0.0.1:1',
    maxNetworkRetries: 0,
  });
  const answer = await gateway.send({ method: 'GET', path: '/v1/invoices/in_1', params: {} });
  expect(answer).toMatchObject({ outcome: 'unknown', status: null });
});
