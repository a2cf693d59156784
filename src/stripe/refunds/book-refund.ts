import type { Selectable } from 'kysely';
import type { Db } from '../../database/pool.ts';
import type { Refund } from '../../database/tables.ts';
import { addEntries } from '../../ledger/store.ts';
import type { Cents } from '../../values/money.ts';

export type RefundRow = Selectable<Refund>;

/** What is known of a refund at Stripe; a null leaves what was known before. */
export type RefundNews = {
  readonly creditNoteId: string | null;
  readonly stripeRefundId: string | null;
  /** Stripe's word: pending, requires_action, succeeded, failed, canceled. */
  readonly status: string | null;
};

export type RefundName = { readonly accountId: string; readonly refundId: string };

/** Holds the row until the transaction ends. */
export async function lockRefund(
  tx: Db,
  { accountId, refundId }: RefundName,
): Promise<RefundRow | undefined> {
  return await tx
    .selectFrom('refund')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('refund_id', '=', refundId)
    .forUpdate()
    .executeTakeFirst();
}

/**
 * Books that money went back, once per refund whatever tells us first; and that it came back again when
 * the refund failed afterwards. A failed refund stays failed.
 */
export async function bookRefund(
  tx: Db,
  now: Date,
  row: RefundRow,
  news: RefundNews,
): Promise<void> {
  if (news.stripeRefundId !== null) await takeOver(tx, now, row, news.stripeRefundId);
  const hasFailed = news.status === 'failed' || news.status === 'canceled';
  const isPending = news.status === 'pending' || news.status === 'requires_action';
  if (row.state !== 'failed') {
    await tx
      .updateTable('refund')
      .set({
        state: hasFailed ? 'failed' : isPending && row.state !== 'done' ? 'pending' : 'done',
        state_reason: hasFailed ? 'it failed at the bank' : null,
        next_attempt_at: null,
        credit_note_id: news.creditNoteId ?? row.credit_note_id,
        stripe_refund_id: news.stripeRefundId ?? row.stripe_refund_id,
      })
      .where('account_id', '=', row.account_id)
      .where('refund_id', '=', row.refund_id)
      .execute();
  }
  await addEntries(tx, now, [entry(row, 'refund', -row.amount_cents)]);
  if (hasFailed) await addEntries(tx, now, [entry(row, 'refund_failed', row.amount_cents)]);
}

/**
 * A refund of ours that was taken for one made by hand, as by a database restored from a backup, gives way
 * to its own row: what was booked for it is booked back.
 */
async function takeOver(
  tx: Db,
  now: Date,
  { account_id: accountId, refund_id: refundId }: RefundRow,
  stripeRefundId: string,
): Promise<void> {
  const byHand = await tx
    .updateTable('refund')
    .set({
      state: 'failed',
      state_reason: `it is the refund ${refundId}`,
      stripe_refund_id: null,
    })
    .where('account_id', '=', accountId)
    .where('stripe_refund_id', '=', stripeRefundId)
    .where('refund_id', '<>', refundId)
    .returningAll()
    .executeTakeFirst();
  if (byHand === undefined) return;
  await addEntries(tx, now, [entry(byHand, 'refund_failed', byHand.amount_cents)]);
}

function entry(row: RefundRow, kind: 'refund' | 'refund_failed', amountCents: Cents) {
  return {
    accountId: row.account_id,
    entryId: `${kind}:${row.refund_id}`,
    book: 'cash',
    kind,
    amountCents,
    invoiceId: row.invoice_id,
    actor: 'stripe',
  } as const;
}
