import type { Db } from '../../database/pool.ts';
import { recordDrift, type Drift } from '../drift.ts';
import { applyInvoice } from '../issue/apply-invoice.ts';
import { adoptInvoice } from '../issue/draft-invoice.ts';
import { doubleOf } from '../issue/find-draft.ts';
import { lockInvoice, parkInvoice, UNFINISHED, type InvoiceName } from '../issue/invoice-store.ts';
import { invoiceObject, type StripeInvoice } from '../objects.ts';
import type { StripeContext } from '../operation.ts';
import { readObject } from '../read.ts';
import type { NewsOutcome, StoredEvent } from './event-store.ts';

/** How long we wait for an invoice that carries our mark but is not in our books (yet). */
const UNKNOWN_FOR_MS = 3 * 86_400_000;

/** Reads an invoice from Stripe and brings ours up to it. */
export async function syncInvoice(
  context: StripeContext,
  stripeInvoiceId: string,
  event: StoredEvent,
): Promise<NewsOutcome> {
  const { db, gateway, clock } = context;
  if (await isSettled(db, stripeInvoiceId)) return 'settled';
  const seen = await readObject(gateway, invoiceObject, `/v1/invoices/${stripeInvoiceId}`);
  const isGone = seen === undefined || seen.deleted === true;
  const name = invoiceNameOf(isGone ? event.subject.metadata : seen.metadata);
  if (name === undefined) {
    return isGone || !(await isByHand(db, clock(), seen)) ? 'foreign' : 'by hand';
  }
  return await db.transaction().execute(async (tx) => {
    if (isGone) return await noteDeleted(tx, clock(), name, stripeInvoiceId);
    return (await mergeInvoice(tx, clock(), name, seen)) ?? unknown(event, clock());
  });
}

/**
 * Paid and void never leave, so there is nothing to read: most events of an ordinary invoice come when
 * our own calls have brought it that far.
 */
async function isSettled(db: Db, stripeInvoiceId: string): Promise<boolean> {
  const row = await db
    .selectFrom('invoice')
    .select('state')
    .where('stripe_invoice_id', '=', stripeInvoiceId)
    .executeTakeFirst();
  return row?.state === 'paid' || row?.state === 'void';
}

/** Our names for an invoice, from its metadata. */
export function invoiceNameOf(metadata: Readonly<Record<string, string>>): InvoiceName | undefined {
  const { gm_account: accountId, gm_bill: invoiceId } = metadata;
  return accountId === undefined || invoiceId === undefined ? undefined : { accountId, invoiceId };
}

/**
 * Takes over what Stripe shows of one of our invoices; undefined when we have no such invoice. A second
 * Stripe invoice for it is never taken over, only reported when it counts.
 */
export async function mergeInvoice(
  tx: Db,
  now: Date,
  name: InvoiceName,
  seen: StripeInvoice,
): Promise<string | undefined> {
  const row = await lockInvoice(tx, name);
  if (row === undefined) return undefined;
  if (row.stripe_invoice_id === null) {
    await adoptInvoice(tx, now, name, seen);
    return 'adopted';
  }
  if (row.stripe_invoice_id !== seen.id) {
    if (seen.status === 'draft' || seen.status === 'void') return 'stray';
    await recordDrift(tx, now, [doubleOf(row, seen)]);
    return 'double';
  }
  await applyInvoice(tx, now, row, seen, false);
  return 'merged';
}

function unknown({ receivedAt }: StoredEvent, now: Date): NewsOutcome {
  const isOld = now.getTime() - receivedAt.getTime() > UNKNOWN_FOR_MS;
  return isOld ? 'unknown' : { again: 'an invoice of ours that is not in our books' };
}

async function noteDeleted(
  tx: Db,
  now: Date,
  name: InvoiceName,
  stripeInvoiceId: string,
): Promise<NewsOutcome> {
  const row = await lockInvoice(tx, name);
  const isOurs = row?.stripe_invoice_id === stripeInvoiceId;
  if (row === undefined || !isOurs || !UNFINISHED.some((state) => state === row.state)) {
    return 'stray';
  }
  await parkInvoice(tx, name, 'its draft was deleted at Stripe');
  await recordDrift(tx, now, [
    {
      accountId: name.accountId,
      driftId: `invoice_deleted:${name.invoiceId}`,
      kind: 'invoice_deleted',
      cents: -row.total_cents,
      details: { invoice: name.invoiceId, stripe_invoice: stripeInvoiceId },
    },
  ]);
  return 'deleted';
}

/** An invoice of one of our customers that we did not make. */
async function isByHand(db: Db, now: Date, seen: StripeInvoice): Promise<boolean> {
  const owner = await db
    .selectFrom('stripe_customer')
    .select('account_id')
    .where('stripe_customer_id', '=', seen.customer ?? '')
    .executeTakeFirst();
  if (owner === undefined) return false;
  await recordDrift(db, now, [byHand(owner.account_id, seen)]);
  return true;
}

export function byHand(accountId: string, seen: StripeInvoice): Drift {
  return {
    accountId,
    driftId: `invoice_by_hand:${seen.id}`,
    kind: 'invoice_by_hand',
    cents: BigInt(seen.total ?? 0),
    details: { stripe_invoice: seen.id, status: seen.status },
  };
}
