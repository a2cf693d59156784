import type { Db } from '../../database/pool.ts';
import { assert } from '../../values/fault.ts';
import { BROKEN_PAUSE_MS, type BatchResult, type Failure } from '../issue/issue-due.ts';
import { holdLease, LeaseLost, withLease, type Lease } from '../lease.ts';
import { creditNoteObject, type StripeCreditNote } from '../objects.ts';
import {
  OPERATION_MOMENTS,
  type Later,
  type Look,
  type Outcome,
  type StripeContext,
} from '../operation.ts';
import { runOperation } from '../run-operation.ts';
import { readList, Unanswered } from '../read.ts';
import { bookRefund, lockRefund, type RefundName, type RefundRow } from './book-refund.ts';

/** Every point of refunding at which a process may die; the crash test kills one at each. */
export const refundCrashPoints: readonly string[] = [
  'money_back:begin',
  'money_back:saved',
  ...OPERATION_MOMENTS.map((moment) => `credit_note:${moment}`),
];

/** Runs refunds that are planned but not made yet, oldest first. Safe to repeat and in many processes. */
export async function refundDue(
  context: StripeContext,
  { limit = 50 }: { readonly limit?: number } = {},
): Promise<BatchResult> {
  const byState: Record<string, number> = {};
  const failures: Failure[] = [];
  const names = await findPlanned(context.db, context.clock(), limit);
  let isBarred = false;
  for (const name of names) {
    if (isBarred) break;
    const outcome = await runRefund(context, name).catch(async (error: unknown) => {
      failures.push({ accountId: name.accountId, subject: name.refundId, error });
      return await setAside(context, name, error);
    });
    const state = outcome === 'busy' ? 'busy' : outcome.outcome;
    byState[state] = (byState[state] ?? 0) + 1;
    isBarred = outcome !== 'busy' && outcome.outcome === 'later' && outcome.isBarred === true;
  }
  return { tried: names.length, byState, isBarred, failures };
}

/** One refund that breaks us must not hold up all others. */
async function setAside(
  context: StripeContext,
  name: RefundName,
  error: unknown,
): Promise<Later | 'busy'> {
  return await withLease(context, name.accountId, async (lease) => {
    const later = { outcome: 'later', waitMs: BROKEN_PAUSE_MS, reason: String(error) } as const;
    await postpone(context, lease, name, later);
    return later;
  });
}

/**
 * Makes one planned refund: a credit note that pays its amount back, so that invoice and payment stay in
 * step at Stripe. Safe to repeat; it is made once.
 */
export async function runRefund(
  context: StripeContext,
  name: RefundName,
): Promise<Outcome<unknown> | 'busy'> {
  try {
    return await withLease(context, name.accountId, async (lease) => {
      const outcome = await makeCreditNote(context, lease, name.refundId).catch(toLater);
      if (outcome.outcome === 'later') await postpone(context, lease, name, outcome);
      return outcome;
    });
  } catch (error) {
    if (error instanceof LeaseLost) return 'busy';
    throw error;
  }
}

function toLater(error: unknown): Later {
  if (!(error instanceof Unanswered)) throw error;
  const { message: reason, retryAfterMs: waitMs, isBarred } = error;
  return { outcome: 'later', waitMs, reason, isBarred };
}

async function makeCreditNote(
  context: StripeContext,
  lease: Lease,
  refundId: string,
): Promise<Outcome<StripeCreditNote>> {
  const { db, gateway, clock } = context;
  const name = { accountId: lease.accountId, refundId };
  const { row, stripeInvoiceId } = await loadRefund(db, name);
  return await runOperation<StripeCreditNote>(context, lease, {
    accountId: lease.accountId,
    subject: refundId,
    step: 'credit_note',
    // Rare and irrevocable, so always worth a look: a restored database does not know its refunds.
    isLookedUpFirst: true,
    plan: async () => ({
      method: 'POST',
      path: '/v1/credit_notes',
      params: {
        invoice: stripeInvoiceId,
        amount: Number(row.amount_cents),
        refund_amount: Number(row.amount_cents),
        reason: 'product_unsatisfactory',
        email_type: 'none',
        metadata: { gm_account: lease.accountId, gm_refund: refundId },
      },
    }),
    parse: (body) => creditNoteObject.safeParse(body).data,
    look: async (): Promise<Look<StripeCreditNote>> => {
      const params = { invoice: stripeInvoiceId };
      for await (const note of readList(gateway, creditNoteObject, '/v1/credit_notes', params)) {
        if (note.metadata['gm_refund'] === refundId) return { found: note };
      }
      return 'absent';
    },
    save: async (tx, note) => {
      const locked = await lockRefund(tx, name);
      if (locked === undefined) return;
      await bookRefund(tx, clock(), locked, {
        creditNoteId: note.id,
        stripeRefundId: note.refunds[0]?.refund ?? null,
        status: null,
      });
    },
    refuse: async (tx, { message }) => await failRefund(tx, name, message),
  });
}

async function loadRefund(
  db: Db,
  { accountId, refundId }: RefundName,
): Promise<{ row: RefundRow; stripeInvoiceId: string }> {
  const row = await db
    .selectFrom('refund')
    .innerJoin('invoice', (join) =>
      join
        .onRef('invoice.account_id', '=', 'refund.account_id')
        .onRef('invoice.invoice_id', '=', 'refund.invoice_id'),
    )
    .selectAll('refund')
    .select('invoice.stripe_invoice_id')
    .where('refund.account_id', '=', accountId)
    .where('refund.refund_id', '=', refundId)
    .executeTakeFirstOrThrow();
  const { stripe_invoice_id: stripeInvoiceId, ...refund } = row;
  assert(stripeInvoiceId !== null, `the invoice of refund ${refundId} is at Stripe`);
  return { row: refund, stripeInvoiceId };
}

/** Refused by Stripe, such as for a disputed payment: nothing went back, so nothing was given. */
async function failRefund(tx: Db, { accountId, refundId }: RefundName, reason: string) {
  await tx
    .updateTable('refund')
    .set({ state: 'failed', state_reason: reason, next_attempt_at: null })
    .where('account_id', '=', accountId)
    .where('refund_id', '=', refundId)
    .where('state', '=', 'planned')
    .execute();
}

/** @throws LeaseLost when somebody else took over and may have gone on. */
async function postpone(
  { db, clock }: StripeContext,
  lease: Lease,
  { accountId, refundId }: RefundName,
  { waitMs, reason }: { readonly waitMs: number; readonly reason: string },
): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const now = clock();
    await holdLease(tx, now, lease);
    await tx
      .updateTable('refund')
      .set({ next_attempt_at: new Date(now.getTime() + waitMs), state_reason: reason })
      .where('account_id', '=', accountId)
      .where('refund_id', '=', refundId)
      .where('state', '=', 'planned')
      .execute();
  });
}

async function findPlanned(db: Db, now: Date, limit: number): Promise<RefundName[]> {
  const rows = await db
    .selectFrom('refund')
    .select(['account_id', 'refund_id'])
    .where('state', '=', 'planned')
    .where((where) =>
      where.or([where('next_attempt_at', 'is', null), where('next_attempt_at', '<=', now)]),
    )
    .orderBy('created_at')
    .orderBy('account_id')
    .orderBy('refund_id')
    .limit(limit)
    .execute();
  return rows.map((row) => ({ accountId: row.account_id, refundId: row.refund_id }));
}
