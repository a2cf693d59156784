import { afterAll, beforeAll, expect, test } from 'vitest';
import { findUnresolvedDrift } from '../../src/stripe/drift.ts';
import { findInvoice, findLines, type InvoiceName } from '../../src/stripe/issue/invoice-store.ts';
import { reissueInvoice } from '../../src/stripe/issue/reissue-invoice.ts';
import { freezeInvoice } from './support/billing.ts';
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

test('an invoice that counts, or is corrected by a later one, is not asked for again', async () => {
  const paid = await billed(world, 'paid');
  await settle(world);
  await expect(reissueInvoice(world.context, paid)).rejects.toMatchObject({
    code: 'invoice_not_void',
  });
  const unknown = { accountId: 'paid', invoiceId: 'inv_none' };
  await expect(reissueInvoice(world.context, unknown)).rejects.toMatchObject({
    code: 'invoice_unknown',
  });
  const name = await voided('corrected');
  const start = (await findInvoice(world.db, name))?.period_start ?? 0n;
  const later = await freezeInvoice(world.db, 'corrected', undefined, { month: 1 });
  await world.db
    .updateTable('invoice')
    .set({ recording: -1n })
    .where('invoice_id', '=', name.invoiceId)
    .execute();
  await world.db
    .insertInto('invoice_line')
    .values({
      account_id: 'corrected',
      invoice_id: later.invoiceId,
      line_number: 2,
      kind: 'adjustment',
      app: 'web',
      quantity: 0n,
      description: 'Correction',
      amount_cents: 0n,
      adjusts_period_start: start,
    })
    .execute();
  await expect(reissueInvoice(world.context, name)).rejects.toMatchObject({
    code: 'period_billed',
  });
});
