import { afterAll, beforeAll, expect, test } from 'vitest';
import { setPaymentMethod } from '../../src/stripe/cards/set-payment-method.ts';
import { reconcile } from '../../src/stripe/checks/reconcile.ts';
import { sweep } from '../../src/stripe/checks/sweep.ts';
import type { InvoiceName } from '../../src/stripe/issue/invoice-store.ts';
import type { FaultRule } from '../../src/stripe/local/faults.ts';
import { giveMoneyBack } from '../../src/stripe/refunds/give-money-back.ts';
import { Fault } from '../../src/values/fault.ts';
import { freezeInvoice, makeAccount } from './support/billing.ts';
import { settle, work } from './support/drive.ts';
import { expectPaidOnce } from './support/once.ts';
import { openWorld, type World } from './support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(async () => await world.close());

/** Shares of all calls and deliveries; the local Stripe draws them in a fixed order. */
const STORM: readonly (readonly [FaultRule['kind'], number])[] = [
  ['drop_before', 0.05],
  ['drop_after', 0.08],
  ['error_500_before', 0.05],
  ['error_500_after', 0.08],
  ['error_500_saved', 0.04],
  ['rate_limited', 0.1],
  ['lock_timeout', 0.05],
  ['cut_body', 0.05],
  ['webhooks_first', 0.2],
  ['lose', 0.2],
  ['double', 0.2],
  ['reorder', 0.2],
];

/** As a person or the platform does: the same request again while Stripe cannot be asked. */
async function insist<T>(request: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await request();
    } catch (error) {
      if (!(error instanceof Fault) || error.kind !== 'unavailable') throw error;
      await world.pass({ seconds: 200 });
    }
  }
}

test('in a storm of all faults at once, every account ends charged once, to the cent', async () => {
  for (const [kind, share] of STORM) world.stripe.faults.add({ kind, share, times: 10_000 });
  const names: InvoiceName[] = [];
  for (let n = 0; n < 6; n += 1) {
    const accountId = `storm ${n}`;
    await makeAccount(world.db, accountId);
    const token = n % 2 === 0 ? 'tok_visa' : 'tok_chargeCustomerFail';
    await insist(async () => {
      return await setPaymentMethod(world.context, { accountId, source: { token } });
    });
    names.push(await freezeInvoice(world.db, accountId));
  }
  for (let round = 0; round < 6; round += 1) {
    await Promise.all([work(world.context), work(world.context)]);
    await world.hear();
    await world.pass({ seconds: 200 });
  }
  for (const { accountId } of names) {
    const source = { token: 'tok_mastercard' };
    await insist(async () => await setPaymentMethod(world.context, { accountId, source }));
  }
  for (const { accountId } of names) {
    await insist(async () => await settleThenGiveBack(accountId));
  }
  world.stripe.faults.clear();
  await settle(world);
  for (const name of names) await expectPaidOnce(world, name);
  const notes = world.stripe.state()['credit_note'] ?? [];
  expect(notes.map(({ amount }) => amount)).toEqual(names.map(() => 300));
  await world.pass({ hours: 26 });
  await sweep(world.context);
  await world.hear();
  expect((await reconcile(world.context)).accounts).toEqual([]);
});

/** Money can be given back only once it is here. */
async function settleThenGiveBack(accountId: string): Promise<void> {
  const context = { ...world.context, notYetInvoiced: async () => 0n };
  const request = { accountId, moneyBackId: 'mb', amountCents: 300n, actor: 'me', reason: 'storm' };
  for (let round = 0; round < 60; round += 1) {
    await work(world.context);
    await world.pass({ seconds: 200 });
    try {
      await giveMoneyBack(context, request);
      return;
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'more_than_paid') throw error;
    }
  }
  throw new Error(`${accountId} was not paid in 60 rounds`);
}
