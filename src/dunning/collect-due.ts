import type { Db } from '../database/pool.ts';
import { issueAll, type Batch, type BatchResult } from '../stripe/issue/issue-due.ts';
import type { InvoiceName } from '../stripe/issue/invoice-store.ts';
import type { PayContext } from '../stripe/issue/pay-invoice.ts';
import { reviewStanding } from './review-standing.ts';

/**
 * Tries to collect open invoices whose next attempt is due: on the days of the schedule, and at once
 * when a card was set. Then tells the platform who became past due or paid. Safe to repeat and to run in
 * many processes; the same invoice is never tried twice at once (R41c).
 */
export async function collectDue(context: PayContext, batch: Batch = {}): Promise<BatchResult> {
  const due = await findDue(context.db, context.clock(), batch.limit ?? 100);
  const result = await issueAll(context, due, batch.concurrency ?? 4);
  await reviewStanding(context);
  return result;
}

/**
 * Tries all open invoices of an account at once, whatever the schedule says: somebody asks for it.
 *
 * @throws what broke, when something of ours did.
 */
export async function collectNow(context: PayContext, accountId: string): Promise<BatchResult> {
  const open = await context.db
    .updateTable('invoice')
    .set({ next_attempt_at: context.clock() })
    .where('account_id', '=', accountId)
    .where('state', '=', 'open')
    .returning('invoice_id')
    .execute();
  const names = open.map((row) => ({ accountId, invoiceId: row.invoice_id }));
  const result = await issueAll(context, names, 1);
  await reviewStanding(context);
  for (const { error } of result.failures) throw error;
  return result;
}

async function findDue(db: Db, now: Date, limit: number): Promise<InvoiceName[]> {
  const rows = await db
    .selectFrom('invoice')
    .leftJoin('stripe_lease', 'stripe_lease.account_id', 'invoice.account_id')
    .select(['invoice.account_id', 'invoice.invoice_id'])
    .where('invoice.state', '=', 'open')
    .where('invoice.next_attempt_at', '<=', now)
    .where((where) =>
      where.or([where('stripe_lease.until', 'is', null), where('stripe_lease.until', '<=', now)]),
    )
    .orderBy('invoice.next_attempt_at')
    .orderBy('invoice.account_id')
    .orderBy('invoice.period_start')
    .limit(limit)
    .execute();
  return rows.map((row) => ({ accountId: row.account_id, invoiceId: row.invoice_id }));
}
