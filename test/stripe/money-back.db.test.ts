import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { lockFreeAccounts } from '../../src/accounts/lock.ts';
import { balancesOf } from '../../src/ledger/store.ts';
import { setPaymentMethod } from '../../src/stripe/cards/set-payment-method.ts';
import { findUnresolvedDrift } from '../../src/stripe/drift.ts';
import type { Gateway } from '../../src/stripe/gateway.ts';
import { findInvoice, type InvoiceName } from '../../src/stripe/issue/invoice-store.ts';
import { processStripeEvents } from '../../src/stripe/news/process-stripe-events.ts';
import { giveMoneyBack } from '../../src/stripe/refunds/give-money-back.ts';
import { refundDue } from '../../src/stripe/refunds/run-refund.ts';
import { Fault } from '../../src/values/fault.ts';
import { freezeInvoice, makeAccount } from './support/billing.ts';
import { settle } from './support/drive.ts';
import { newestId } from './support/faulty.ts';
import { openWorld, type World } from './support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterEach(() => world.stripe.faults.clear());
afterAll(async () => await world.close());

async function paidAccount(accountId: string, cents: bigint): Promise<InvoiceName> {
  await makeAccount(world.db, accountId);
  await setPaymentMethod(world.context, { accountId, source: { token: 'tok_visa' } });
  const name = await freezeInvoice(world.db, accountId, [{ description: 'App web', cents }]);
  await settle(world);
  return name;
}

async function giveBack(accountId: string, moneyBackId: string, cents: bigint, owed = 0n) {
  return await giveMoneyBack(
    { ...world.context, notYetInvoiced: async () => owed },
    { accountId, moneyBackId, amountCents: cents, actor: 'operator', reason: 'unhappy' },
  );
}

/** Dies at a point of giving back 300 cents. */
async function giveBackUpTo(point: string, accountId: string, moneyBackId: string) {
  const atPoint = (label: string): void => {
    if (label === point) throw new Error(`died at ${point}`);
  };
  return await giveMoneyBack(
    { ...world.context, atPoint, notYetInvoiced: async () => 0n },
    { accountId, moneyBackId, amountCents: 300n, actor: 'operator', reason: 'unhappy' },
  );
}

async function balances(accountId: string) {
  return (await balancesOf(world.db, [accountId])).get(accountId);
}

async function creditedAtStripe(name: InvoiceName): Promise<number> {
  const row = await findInvoice(world.db, name);
  const notes = world.stripe.state()['credit_note'] ?? [];
  return notes
    .filter(({ invoice }) => invoice === row?.stripe_invoice_id)
    .reduce((sum, { amount }) => sum + Number(amount), 0);
}

test('R41 a refund goes back through a credit note and is booked once', async () => {
  const name = await paidAccount('plain', 16_129n);
  const given = await giveBack('plain', 'mb-1', 5_000n);
  expect(given).toMatchObject({
    creditCents: 0n,
    refunds: [{ state: 'done', amountCents: 5_000n }],
  });
  expect(await giveBack('plain', 'mb-1', 5_000n)).toEqual(given);
  await world.hear();
  expect(await balances('plain')).toMatchObject({ cash: 11_129n, credit: 0n });
  expect(await creditedAtStripe(name)).toBe(5_000);
  await expect(giveBack('plain', 'mb-1', 4_000n)).rejects.toMatchObject({ code: 'id_reused' });
  await giveBack('plain', 'mb-2', 2_500n);
  await expect(giveBack('plain', 'mb-3', 1n)).rejects.toMatchObject({ code: 'limit_reached' });
  expect(await creditedAtStripe(name)).toBe(7_500);
});

test('S21 ten requests at once never give back more than the limit, nor more than was paid', async () => {
  const rich = await paidAccount('rich', 20_000n);
  const poor = await paidAccount('poor', 3_000n);
  for (const [name, most] of [
    [rich, 7_500],
    [poor, 3_000],
  ] as const) {
    const results = await Promise.allSettled(
      Array.from({ length: 10 }, async (_, n) => await giveBack(name.accountId, `mb-${n}`, 1_500n)),
    );
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused.every(({ reason }) => reason instanceof Fault)).toBe(true);
    expect(results.length - refused.length).toBe(most / 1_500);
    await settle(world);
    expect(await creditedAtStripe(name)).toBe(most);
  }
});

test('R41 what is not yet invoiced is given as credit, and no more than that', async () => {
  await makeAccount(world.db, 'new');
  const given = await giveBack('new', 'mb-1', 645n, 645n);
  expect(given).toEqual({ creditCents: 645n, refunds: [] });
  expect(await balances('new')).toMatchObject({ credit: 645n, cash: 0n });
  await expect(giveBack('new', 'mb-2', 1n, 645n)).rejects.toMatchObject({ code: 'more_than_paid' });
});

test('R41 no period is closed between counting what is not yet invoiced and giving credit for it', async () => {
  await makeAccount(world.db, 'closing');
  const context = {
    ...world.context,
    notYetInvoiced: async () => {
      const close = world.db.transaction().execute(async (tx) => {
        return await lockFreeAccounts(tx, ['closing']);
      });
      expect(await close).toEqual([]);
      return 500n;
    },
  };
  const request = { moneyBackId: 'mb', amountCents: 500n, actor: 'operator', reason: 'unhappy' };
  const given = await giveMoneyBack(context, { accountId: 'closing', ...request });
  expect(given).toEqual({ creditCents: 500n, refunds: [] });
});

test('a refund takes from several payments, oldest first', async () => {
  const first = await paidAccount('several', 400n);
  const second = await freezeInvoice(world.db, 'several', undefined, { month: 1 });
  await settle(world);
  await giveBack('several', 'mb-1', 1_000n);
  expect([await creditedAtStripe(first), await creditedAtStripe(second)]).toEqual([400, 600]);
});

test('while Stripe is down a refund waits, and is made once when it is back', async () => {
  const name = await paidAccount('down', 2_000n);
  const notes = { method: 'POST', path: '/v1/credit_notes' };
  world.stripe.faults.add({ kind: 'error_500_after', ...notes });
  expect(await giveBack('down', 'mb-1', 700n)).toMatchObject({ refunds: [{ state: 'planned' }] });
  expect(await refundDue(world.context)).toMatchObject({ tried: 0 });
  await settle(world);
  expect(await balances('down')).toMatchObject({ cash: 1_300n });
  expect(await creditedAtStripe(name)).toBe(700);
});

for (const kind of ['error_500_saved', 'error_500_saved_without_running', 'drop_after'] as const) {
  test(`S03 S08 a refund whose answer is ${kind} for a day goes back once`, async () => {
    const name = await paidAccount(kind, 2_000n);
    const notes = { method: 'POST', path: '/v1/credit_notes' };
    world.stripe.faults.add({ kind, ...notes, times: 2 });
    await giveBack(kind, 'mb-1', 700n);
    world.stripe.faults.clear();
    await world.pass({ hours: 25 });
    await settle(world);
    expect(await creditedAtStripe(name)).toBe(700);
    expect(await balances(kind)).toMatchObject({ cash: 1_300n });
  });
}

test('news read while another refund of the invoice is made do not take it for one made by hand', async () => {
  await paidAccount('overlapping', 2_000n);
  await giveBack('overlapping', 'mb-1', 500n);
  let isMade = false;
  const overtaken: Gateway = {
    send: async (request) => {
      const answer = await world.gateway.send(request);
      // Between the readings another process makes a second refund, and has not heard the answer yet.
      if (request.method === 'GET' && request.path === '/v1/credit_notes' && !isMade) {
        isMade = true;
        await expect(giveBackUpTo('credit_note:answered', 'overlapping', 'mb-2')).rejects.toThrow();
      }
      return answer;
    },
  };
  await world.stripe.drainWebhooks();
  await processStripeEvents({ ...world.context, gateway: overtaken });
  expect(isMade).toBe(true);
  await world.pass({ seconds: 200 });
  await settle(world);
  expect(await balances('overlapping')).toMatchObject({ cash: 1_200n });
  expect(await findUnresolvedDrift(world.db, { accountId: 'overlapping' })).toEqual([]);
});

test('D07 a worker that slept before its call, while another one was sure that it never ran, sends nothing', async () => {
  const name = await paidAccount('asleep', 2_000n);
  const notes = { method: 'POST', path: '/v1/credit_notes' };
  world.stripe.faults.add({ kind: 'error_500_before', ...notes, times: 3 });
  await giveBack('asleep', 'mb-1', 700n);
  for (let send = 2; send <= 3; send += 1) {
    await world.pass({ seconds: 10 });
    await refundDue(world.context);
  }
  await world.pass({ seconds: 10 });
  const atPoint = async (label: string): Promise<void> => {
    if (label !== 'credit_note:planned') return;
    await world.pass({ seconds: 300 });
    await refundDue(world.context);
    expect(await creditedAtStripe(name)).toBe(700);
  };
  await refundDue({ ...world.context, atPoint });
  expect(await creditedAtStripe(name)).toBe(700);
  expect(await balances('asleep')).toMatchObject({ cash: 1_300n });
});

test('a refund that breaks us does not hold up the others, and comes again', async () => {
  const names = [await paidAccount('broken', 1_000n), await paidAccount('sound', 1_000n)];
  world.stripe.faults.add({ kind: 'error_500_before', path: '/v1/credit_notes', times: 2 });
  for (const { accountId } of names) await giveBack(accountId, 'mb-1', 400n);
  world.stripe.faults.clear();
  await world.pass({ seconds: 200 });
  const gateway: Gateway = {
    send: async (request) => {
      if (JSON.stringify(request).includes('"broken"')) throw new TypeError('a bug of ours');
      return await world.gateway.send(request);
    },
  };
  const { failures } = await refundDue({ ...world.context, gateway });
  expect(failures).toMatchObject([{ accountId: 'broken', error: TypeError('a bug of ours') }]);
  expect(await balances('sound')).toMatchObject({ cash: 600n });
  await settle(world);
  expect(await balances('broken')).toMatchObject({ cash: 600n });
});

test('a refund that fails at the bank later is booked back once', async () => {
  await paidAccount('bank', 7_500n);
  await giveBack('bank', 'mb-1', 7_500n);
  await world.hear();
  expect(await balances('bank')).toMatchObject({ cash: 0n });
  world.stripe.failRefund(newestId(world, 'refund'));
  await world.hear();
  await world.hear();
  expect(await balances('bank')).toMatchObject({ cash: 7_500n });
});

test('a disputed payment is not refunded', async () => {
  const name = await paidAccount('disputed', 2_000n);
  const row = await findInvoice(world.db, name);
  world.stripe.dispute(row?.stripe_invoice_id ?? '');
  await world.hear();
  await expect(giveBack('disputed', 'mb-1', 100n)).rejects.toMatchObject({
    code: 'more_than_paid',
  });
});

test('a dispute that comes before the refund reaches Stripe leaves nothing given; once it is won it can be', async () => {
  const name = await paidAccount('overtaken by a dispute', 2_000n);
  const { accountId } = name;
  await expect(giveBackUpTo('money_back:saved', accountId, 'mb-1')).rejects.toThrow('died');
  const row = await findInvoice(world.db, name);
  const dispute = world.stripe.dispute(row?.stripe_invoice_id ?? '');
  await refundDue(world.context);
  await world.hear();
  expect(await giveBack(accountId, 'mb-1', 300n)).toMatchObject({ refunds: [{ state: 'failed' }] });
  expect(await balances(accountId)).toMatchObject({ cash: 0n });
  world.stripe.closeDispute(dispute.id, 'won');
  await world.hear();
  expect(await giveBack(accountId, 'mb-2', 300n)).toMatchObject({ refunds: [{ state: 'done' }] });
  expect(await balances(accountId)).toMatchObject({ cash: 1_700n });
});

test('a payment that a bank only asked about can be refunded when it has asked no more', async () => {
  const name = await paidAccount('asked about', 2_000n);
  await world.db
    .insertInto('dispute')
    .values({
      account_id: 'asked about',
      dispute_id: 'du_asked',
      invoice_id: name.invoiceId,
      amount_cents: 2_000n,
      status: 'warning_closed',
      opened_at: world.clock(),
      closed_at: world.clock(),
      updated_at: world.clock(),
    })
    .execute();
  expect(await giveBack('asked about', 'mb-1', 300n)).toMatchObject({
    refunds: [{ state: 'done' }],
  });
  expect(await balances('asked about')).toMatchObject({ cash: 1_700n });
});
