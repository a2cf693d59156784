import { deleteDraft } from '../issue/draft-invoice.ts';
import { findInvoice } from '../issue/invoice-store.ts';
import { invoiceNameOf, mergeInvoice } from '../news/sync-invoice.ts';
import { eventObject, invoiceObject } from '../objects.ts';
import type { StripeContext } from '../operation.ts';
import { storeEvent } from '../news/receive-webhook.ts';
import { readList } from '../read.ts';

export type Swept = { readonly deletedDrafts: number; readonly recoveredEvents: number };

const HOUR_S = 3600;
/** Longer than a key lives: until then the process that made a draft may still come back to it. */
const STRAY_AFTER_S = 25 * HOUR_S;
const LOOK_BACK_S = 40 * 24 * HOUR_S;
/** Stripe repeats none that is older than 30 days. */
const KEEP_EVENTS_MS = 90 * 24 * HOUR_S * 1000;
/** So that nobody waits for long after a pause. */
const FORGET_AT_ONCE = 1000;

/**
 * Deletes drafts that a crash left behind and no invoice of ours uses, fetches news that Stripe could not
 * deliver, and forgets old news. Safe to repeat at any time: a draft in use is never deleted, and Stripe deletes drafts only.
 *
 * @throws Unanswered when Stripe cannot be read to the end.
 */
export async function sweep(context: StripeContext): Promise<Swept> {
  const deletedDrafts = await deleteStrays(context);
  const recoveredEvents = await recoverEvents(context);
  await forgetEvents(context);
  return { deletedDrafts, recoveredEvents };
}

async function deleteStrays(context: StripeContext): Promise<number> {
  const { db, gateway, clock } = context;
  const now = Math.floor(clock().getTime() / 1000);
  const created = { gte: now - LOOK_BACK_S, lte: now - STRAY_AFTER_S };
  let deleted = 0;
  const drafts = readList(gateway, invoiceObject, '/v1/invoices', { status: 'draft', created });
  for await (const draft of drafts) {
    const name = invoiceNameOf(draft.metadata);
    const row = name === undefined ? undefined : await findInvoice(db, name);
    // Without a row it is not ours to judge: reconciling reports it.
    if (name === undefined || row === undefined) continue;
    if (row.stripe_invoice_id === null) {
      await db.transaction().execute(async (tx) => await mergeInvoice(tx, clock(), name, draft));
    } else if (row.stripe_invoice_id !== draft.id) {
      await deleteDraft(gateway, draft.id);
      deleted += 1;
    }
  }
  return deleted;
}

/** Stripe keeps events for 30 days and says which ones no endpoint took. */
async function recoverEvents({ db, gateway, clock }: StripeContext): Promise<number> {
  let recovered = 0;
  const undelivered = { delivery_success: false };
  for await (const event of readList(gateway, eventObject, '/v1/events', undelivered)) {
    if (await storeEvent(db, clock(), event)) recovered += 1;
  }
  return recovered;
}

async function forgetEvents({ db, clock }: StripeContext): Promise<void> {
  const before = new Date(clock().getTime() - KEEP_EVENTS_MS);
  for (;;) {
    const { numDeletedRows } = await db
      .deleteFrom('stripe_event')
      .where('stripe_event_id', 'in', (from) =>
        from
          .selectFrom('stripe_event')
          .select('stripe_event_id')
          .where('processed_at', '<', before)
          .orderBy('processed_at')
          .limit(FORGET_AT_ONCE),
      )
      .executeTakeFirst();
    if (numDeletedRows < BigInt(FORGET_AT_ONCE)) return;
  }
}
