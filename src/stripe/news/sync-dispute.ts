import type { Db } from '../../database/pool.ts';
import { addEntries } from '../../ledger/store.ts';
import { lockInvoice, type InvoiceName } from '../issue/invoice-store.ts';
import { disputeObject, invoiceObject, type StripeDispute } from '../objects.ts';
import type { StripeContext } from '../operation.ts';
import { readObject } from '../read.ts';
import type { NewsOutcome } from './event-store.ts';
import { invoiceNameOf } from './sync-invoice.ts';
import { findInvoiceOfIntent } from './sync-refunds.ts';

const CLOSED: ReadonlySet<string> = new Set(['won', 'lost', 'warning_closed', 'prevented']);

/**
 * A customer disputes a payment at the bank: the money is held back until it is decided. The invoice
 * stays paid; the platform is told, and nothing of it is refunded meanwhile.
 */
export async function syncDispute(context: StripeContext, disputeId: string): Promise<NewsOutcome> {
  const { db, gateway, clock } = context;
  const seen = await readObject(gateway, disputeObject, `/v1/disputes/${disputeId}`);
  if (seen === undefined || seen.payment_intent === null) return 'foreign';
  const stripeInvoiceId = await findInvoiceOfIntent(gateway, seen.payment_intent);
  if (stripeInvoiceId === undefined) return 'foreign';
  const path = `/v1/invoices/${stripeInvoiceId}`;
  const invoice = await readObject(gateway, invoiceObject, path);
  const name = invoiceNameOf(invoice?.metadata ?? {});
  if (name === undefined) return 'foreign';
  return await db.transaction().execute(async (tx) => {
    const row = await lockInvoice(tx, name);
    if (row === undefined) return { again: 'a dispute over an invoice that is not in our books' };
    await mergeDispute(tx, clock(), name, seen);
    return `dispute ${seen.status}`;
  });
}

async function mergeDispute(
  tx: Db,
  now: Date,
  name: InvoiceName,
  seen: StripeDispute,
): Promise<void> {
  const isClosed = CLOSED.has(seen.status);
  const saved = await tx
    .insertInto('dispute')
    .values({
      account_id: name.accountId,
      dispute_id: seen.id,
      invoice_id: name.invoiceId,
      charge_id: seen.charge,
      amount_cents: BigInt(seen.amount),
      status: seen.status,
      reason: seen.reason,
      opened_at: seen.created === undefined ? now : new Date(seen.created * 1000),
      closed_at: isClosed ? now : null,
      updated_at: now,
    })
    .onConflict((conflict) =>
      conflict
        .columns(['account_id', 'dispute_id'])
        .doUpdateSet({
          status: seen.status,
          closed_at: isClosed ? now : null,
          updated_at: now,
        })
        // What is decided stays decided.
        .where('dispute.closed_at', 'is', null),
    )
    .returning('dispute_id')
    .executeTakeFirst();
  if (saved === undefined) return;
  await bookDispute(tx, now, name, seen);
  await tx
    .insertInto('signal')
    .values({
      account_id: name.accountId,
      signal_id: `dispute:${seen.id}:${isClosed ? 'closed' : 'opened'}`,
      kind: isClosed ? 'payment.dispute_closed' : 'payment.disputed',
      details: JSON.stringify({
        invoice: name.invoiceId,
        amount_cents: String(seen.amount),
        status: seen.status,
        reason: seen.reason,
      }),
      created_at: now,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** An inquiry (warning_…) moves no money; only a won dispute brings it back. */
async function bookDispute(
  tx: Db,
  now: Date,
  { accountId, invoiceId }: InvoiceName,
  seen: StripeDispute,
): Promise<void> {
  if (seen.status.startsWith('warning_') || seen.status === 'prevented') return;
  const entry = { accountId, book: 'cash', invoiceId, actor: 'stripe' } as const;
  const amountCents = BigInt(seen.amount);
  await addEntries(tx, now, [
    {
      ...entry,
      entryId: `dispute:${seen.id}`,
      kind: 'dispute_withdrawn',
      amountCents: -amountCents,
    },
  ]);
  if (seen.status !== 'won') return;
  await addEntries(tx, now, [
    { ...entry, entryId: `dispute_won:${seen.id}`, kind: 'dispute_reinstated', amountCents },
  ]);
}
