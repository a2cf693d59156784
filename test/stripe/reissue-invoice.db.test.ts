import { afterAll, beforeAll, expect, test } from 'vitest';
import { findUnresolvedDrift } from '../../src/stripe/drift.ts';
import { findInvoice, findLines, type InvoiceName } from '../../src/stripe/issue/invoice-store.ts';
import { reissueInvoice } from '../../src/stripe/issue/reissue-invoice.ts';
import { settle } from './support/drive.ts';
import { billed, dieAt, stripeIdOf } from './support/faulty.ts';
import { countedInvoices, expectPaidOnce } from './support/once.ts';
import { openWorld, type World } from './support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(async () => await world.close());

/** An open invoice, which a person voids at Stripe. */
async function voided(accountId: string): Promise<InvoiceName> {
  const name = await billed(world, accountId, [
    { description: 'App web', cents: 2_500n },
    { description: 'App worker', cents: 81n },
  ]);
  await dieAt(world, 'pay:begin', name);
  const path = `/v1/invoices/${await stripeIdOf(world, name)}/void`;
  await world.gateway.send({ method: 'POST', path, params: {} });
  await world.hear();
  expect(await findInvoice(world.db, name)).toMatchObject({ state: 'void' });
  await world.pass({ seconds: 200 });
  return name;
}

test('what a voided invoice asked for is asked for again, line by line, and paid once', async () => {
  const name = await voided('again');
  const successor = await reissueInvoice(world.context, name);
  expect(successor.invoiceId).not.toBe(name.invoiceId);
  await settle(world);
  await expectPaidOnce(world, successor);
  expect(countedInvoices(world, name)).toEqual([]);
  const amounts = async (of: InvoiceName) =>
    (await findLines(world.db, of)).map(({ amount_cents: cents }) => cents);
  expect(await amounts(successor)).toEqual(await amounts(name));
  expect(await findUnresolvedDrift(world.db, { accountId: 'again' })).toEqual([]);
});

test('it is asked for again once, also by two at once, and again when that one is voided, too', async () => {
  const name = await voided('once');
  const both = await Promise.allSettled([
    reissueInvoice(world.context, name),
    reissueInvoice(world.context, name),
  ]);
  expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  await expect(reissueInvoice(world.context, name)).rejects.toMatchObject({
    code: 'period_billed',
  });
  await world.db
    .updateTable('invoice')
    .set({ state: 'void' })
    .where('account_id', '=', 'once')
    .execute();
  const third = await reissueInvoice(world.context, name);
  expect(await findInvoice(world.db, third)).toMatchObject({ revision: 2, state: 'frozen' });
});

test('an invoice that is not void, or is none, is not asked for again', async () => {
  const paid = await billed(world, 'paid');
  await settle(world);
  await expect(reissueInvoice(world.context, paid)).rejects.toMatchObject({
    code: 'invoice_not_void',
  });
  const unknown = { accountId: 'paid', invoiceId: 'inv_none' };
  await expect(reissueInvoice(world.context, unknown)).rejects.toMatchObject({
    code: 'invoice_unknown',
  });
});
