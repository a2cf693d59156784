import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { openGateway, type Gateway } from '../../src/stripe/gateway.ts';
import { findInvoice, type InvoiceName } from '../../src/stripe/issue/invoice-store.ts';
import { issueDue } from '../../src/stripe/issue/issue-due.ts';
import { issueInvoice } from '../../src/stripe/issue/issue-invoice.ts';
import { until } from '../support/until.ts';
import { settle, work } from './support/drive.ts';
import { billed } from './support/faulty.ts';
import { expectPaidOnce } from './support/once.ts';
import { openWorld, TEST_KEY, type World } from './support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld({ hasWebhooks: false });
});
afterEach(() => world.stripe.faults.clear());
afterAll(async () => await world.close());

const DRAFTS = { method: 'POST', path: '/v1/invoices' };

function draftCalls() {
  return world.stripe.calls({ method: 'POST', path: /^\/v1\/invoices$/ });
}

test('S07 D07 two workers with one key: one runs it, the one that lost its lease saves nothing', async () => {
  const name = await billed(world, 'two workers');
  const gateway = openGateway({
    apiKey: TEST_KEY,
    apiBase: world.stripe.url,
    maxNetworkRetries: 0,
    timeoutMs: 20_000,
  });
  const patient = { ...world.context, gateway };
  world.stripe.faults.add({ kind: 'slow', ...DRAFTS });
  let isCalling = false;
  const watched: Gateway = {
    send: async (request) => {
      isCalling = true;
      return await gateway.send(request);
    },
  };
  const first = issueInvoice({ ...patient, gateway: watched }, name);
  await until('the first worker calls', () => isCalling);
  await world.pass({ seconds: 200 });
  const second = issueInvoice(patient, name);
  await until('one of them hears that the key is in use', () => {
    return draftCalls().some(({ status }) => status === 409);
  });
  world.stripe.faults.release();
  expect(await first).toBe('busy');
  await second;
  await settle(world);
  await expectPaidOnce(world, name);
});

test('D07 a worker whose lease has run out does not decide when an invoice is tried again', async () => {
  const name = await billed(world, 'overtaken');
  const { payment_method_id: card } = await world.db
    .selectFrom('stripe_customer')
    .select('payment_method_id')
    .where('account_id', '=', 'overtaken')
    .executeTakeFirstOrThrow();
  world.stripe.setCharges(card ?? '', 'lost_card');
  const slow: Gateway = {
    send: async () => {
      await world.pass({ seconds: 200 });
      await issueInvoice(world.context, name);
      return { outcome: 'limited', reason: '429' };
    },
  };
  expect(await issueInvoice({ ...world.context, gateway: slow }, name)).toBe('busy');
  expect(await findInvoice(world.db, name)).toMatchObject({ state: 'open', next_attempt_at: null });
});

test('an invoice that breaks us does not hold up the others, and comes again', async () => {
  const broken = await billed(world, 'broken');
  const others = [await billed(world, 'sound 1'), await billed(world, 'sound 2')];
  const gateway: Gateway = {
    send: async (request) => {
      if (JSON.stringify(request).includes(broken.invoiceId)) throw new TypeError('a bug of ours');
      return await world.gateway.send(request);
    },
  };
  const context = { ...world.context, gateway };
  const { failures } = await issueDue(context, { concurrency: 1 });
  expect(failures).toMatchObject([
    { subject: broken.invoiceId, error: TypeError('a bug of ours') },
  ]);
  for (const name of others) await expectPaidOnce(world, name);
  expect(await issueDue(context)).toMatchObject({ tried: 0 });
  await settle(world);
  await expectPaidOnce(world, broken);
});

test('T01 T08 six workers at once issue every invoice once', async () => {
  const names: InvoiceName[] = [];
  for (let n = 0; n < 6; n += 1) names.push(await billed(world, `crowd ${n}`));
  await Promise.all(Array.from({ length: 6 }, async () => await work(world.context)));
  await settle(world);
  for (const name of names) await expectPaidOnce(world, name);
  const drafts = draftCalls().filter(({ sent }) =>
    names.some(({ invoiceId }) => sent.includes(invoiceId)),
  );
  expect(drafts.length).toBe(names.length);
});
