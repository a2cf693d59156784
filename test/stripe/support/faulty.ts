import { expect } from 'vitest';
import { setPaymentMethod } from '../../../src/stripe/cards/set-payment-method.ts';
import { findInvoice, type InvoiceName } from '../../../src/stripe/issue/invoice-store.ts';
import { issueInvoice } from '../../../src/stripe/issue/issue-invoice.ts';
import { freezeInvoice, makeAccount, type TestLine } from './billing.ts';
import type { World } from './world.ts';

/** An account with a card and a frozen invoice. */
export async function billed(
  world: World,
  accountId: string,
  lines?: readonly TestLine[],
): Promise<InvoiceName> {
  await makeAccount(world.db, accountId);
  await setPaymentMethod(world.context, { accountId, source: { token: 'tok_visa' } });
  return await freezeInvoice(world.db, accountId, lines);
}

/** Issues an invoice up to a point and fails there. */
export async function dieAt(world: World, point: string, name: InvoiceName): Promise<void> {
  const atPoint = (label: string): void => {
    if (label === point) throw new Error(`died at ${point}`);
  };
  const dying = issueInvoice({ ...world.context, atPoint }, name);
  await expect(dying).rejects.toThrow(`died at ${point}`);
}

export async function stripeIdOf(world: World, name: InvoiceName): Promise<string> {
  return (await findInvoice(world.db, name))?.stripe_invoice_id ?? '';
}

export async function customerOf(world: World, accountId: string): Promise<string> {
  const row = await world.db
    .selectFrom('stripe_customer')
    .select('stripe_customer_id')
    .where('account_id', '=', accountId)
    .executeTakeFirstOrThrow();
  return row.stripe_customer_id ?? '';
}

/** The newest object of its kind at Stripe. */
export function newestId(world: World, kind: string): string {
  const id = world.stripe.state()[kind]?.at(-1)?.['id'];
  if (typeof id !== 'string') throw new Error(`Stripe has no ${kind}`);
  return id;
}
