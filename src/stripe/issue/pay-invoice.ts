import type { Selectable } from 'kysely';
import type { Db } from '../../database/pool.ts';
import type { PaymentAttempt } from '../../database/tables.ts';
import { applyInvoice } from './apply-invoice.ts';
import { findCustomer } from '../customer.ts';
import { stripeIdOf } from './fill-invoice.ts';
import type { Refusal } from '../gateway.ts';
import { lockInvoice, nameOf, updateInvoice, type InvoiceRow } from './invoice-store.ts';
import { holdLease, type Lease } from '../lease.ts';
import { invoiceObject, type StripeInvoice } from '../objects.ts';
import type { OperationStep, Outcome, StripeContext } from '../operation.ts';
import { runOperation } from '../run-operation.ts';
import { lookForPayment } from './look-for-payment.ts';

export type AttemptRow = Selectable<PaymentAttempt>;

export type FailedAttempt = {
  readonly finalizedAt: Date;
  readonly failedAt: Date;
  readonly refusal: Refusal;
};

/** When a declined invoice is tried again; undefined when only a new card can help. */
export type RetryPolicy = (attempt: FailedAttempt) => Date | undefined;

export type PayContext = StripeContext & { readonly retryAt: RetryPolicy };

/**
 * Tries once to take an open invoice's money with the card of this moment. An attempt whose outcome is
 * unknown is finished first, with the card it began with. Stripe takes the money of one invoice once,
 * whoever else pays it meanwhile (I3).
 */
export async function payInvoice(
  context: PayContext,
  lease: Lease,
  invoice: InvoiceRow,
): Promise<Outcome<StripeInvoice> | { readonly outcome: 'no_card' }> {
  const last = await lastAttempt(context.db, invoice);
  const isUnended = last?.state === 'planned';
  const card = isUnended
    ? last.payment_method_id
    : (await findCustomer(context.db, lease.accountId))?.payment_method_id;
  if (card === undefined || card === null) return await waitForCard(context, lease, invoice);
  const attempt = isUnended ? last.attempt : (last?.attempt ?? 0) + 1;
  return await runAttempt(context, lease, invoice, attempt, card);
}

async function runAttempt(
  context: PayContext,
  lease: Lease,
  invoice: InvoiceRow,
  attempt: number,
  card: string,
): Promise<Outcome<StripeInvoice>> {
  const { clock, retryAt } = context;
  return await runOperation<StripeInvoice>(context, lease, {
    accountId: invoice.account_id,
    subject: invoice.invoice_id,
    step: payStep(attempt),
    plan: async (tx) => {
      await insertAttempt(tx, invoice, attempt, card, clock());
      const path = `/v1/invoices/${stripeIdOf(invoice)}/pay`;
      const params = { payment_method: card, expand: ['payments'] };
      return { method: 'POST', path, params };
    },
    parse: (body) => invoiceObject.safeParse(body).data,
    look: async () => await lookForPayment(context, invoice, card),
    isDoubtful: ({ status }) => status === 400,
    // Accepted but not settled, as bank debits are.
    isPending: ({ status }) => status === 'open',
    save: async (tx, seen) => {
      const row = await lockInvoice(tx, nameOf(invoice));
      if (row === undefined) return;
      await applyInvoice(tx, clock(), row, seen, true);
    },
    refuse: async (tx, refusal) => {
      const failedAt = clock();
      // Before its attempt, as everybody does who writes to both.
      await lockInvoice(tx, nameOf(invoice));
      await endAttempt(tx, invoice, attempt, {
        state: 'failed',
        ended_at: failedAt,
        error_code: refusal.code,
        decline_code: refusal.declineCode,
        message: refusal.message,
        charge_id: refusal.chargeId,
        payment_intent_id: refusal.paymentIntentId,
      });
      const finalizedAt = invoice.finalized_at ?? failedAt;
      const nextAttemptAt = (await isReplaced(tx, invoice, card))
        ? failedAt
        : retryAt({ finalizedAt, failedAt, refusal });
      await updateInvoice(tx, nameOf(invoice))
        .set({ next_attempt_at: nextAttemptAt ?? null, state_reason: refusal.message })
        .where('state', '=', 'open')
        .execute();
    },
  });
}

/** Whether another card was set since the attempt began, which is tried at once (R37). */
async function isReplaced(tx: Db, invoice: InvoiceRow, card: string): Promise<boolean> {
  const present = (await findCustomer(tx, invoice.account_id))?.payment_method_id ?? null;
  return present !== null && present !== card;
}

/** A key belongs to one attempt: a decline is replayed under it for a day. */
export function payStep(attempt: number): OperationStep {
  return attempt === 1 ? 'pay' : `pay${attempt}`;
}

async function waitForCard(
  { db, clock }: StripeContext,
  lease: Lease,
  invoice: InvoiceRow,
): Promise<{ outcome: 'no_card' }> {
  await db.transaction().execute(async (tx) => {
    await holdLease(tx, clock(), lease);
    await updateInvoice(tx, nameOf(invoice))
      .set({ next_attempt_at: null, state_reason: 'no card' })
      .where('state', '=', 'open')
      .execute();
  });
  return { outcome: 'no_card' };
}

async function lastAttempt(db: Db, invoice: InvoiceRow): Promise<AttemptRow | undefined> {
  return await db
    .selectFrom('payment_attempt')
    .selectAll()
    .where('account_id', '=', invoice.account_id)
    .where('invoice_id', '=', invoice.invoice_id)
    .orderBy('attempt', 'desc')
    .limit(1)
    .executeTakeFirst();
}

async function insertAttempt(
  tx: Db,
  invoice: InvoiceRow,
  attempt: number,
  card: string,
  now: Date,
): Promise<void> {
  await tx
    .insertInto('payment_attempt')
    .values({
      account_id: invoice.account_id,
      invoice_id: invoice.invoice_id,
      attempt,
      payment_method_id: card,
      state: 'planned',
      started_at: now,
    })
    // Planned again when the first call is proven never to have run.
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

async function endAttempt(
  tx: Db,
  invoice: InvoiceRow,
  attempt: number,
  change: Partial<AttemptRow>,
): Promise<void> {
  await tx
    .updateTable('payment_attempt')
    .set(change)
    .where('account_id', '=', invoice.account_id)
    .where('invoice_id', '=', invoice.invoice_id)
    .where('attempt', '=', attempt)
    .where('state', '=', 'planned')
    .execute();
}
