import { assert } from '../../values/fault.ts';
import { findCustomer } from '../customer.ts';
import { findInvoice, updateInvoice, type InvoiceName, type InvoiceRow } from './invoice-store.ts';
import { issueSteps, type IssueOutcome } from './issue-steps.ts';
import { holdLease, LeaseLost, withLease, type Lease } from '../lease.ts';
import type { PayContext } from './pay-invoice.ts';
import { Unanswered } from '../read.ts';

export type Issued = {
  readonly state: string;
  /** When the next step may be tried; null when nothing is scheduled. */
  readonly nextAttemptAt: Date | null;
  readonly reason: string | null;
  /** Our key is not accepted: no other invoice would fare better. */
  readonly isBarred: boolean;
};

/** More than any invoice has steps: a step that does not advance is a bug, not something to repeat. */
const MAX_STEPS = 20;

/**
 * Takes a frozen invoice through Stripe up to its first payment attempt, from wherever it stands. Safe to
 * repeat and to run in many processes: one works on an account at a time, the others get 'busy'.
 */
export async function issueInvoice(
  context: PayContext,
  name: InvoiceName,
): Promise<Issued | 'busy'> {
  try {
    return await withLease(context, name.accountId, async (lease) => {
      return await runSteps(context, lease, name);
    });
  } catch (error) {
    if (error instanceof LeaseLost) return 'busy';
    throw error;
  }
}

async function runSteps(context: PayContext, lease: Lease, name: InvoiceName): Promise<Issued> {
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const invoice = await findInvoice(context.db, name);
    assert(invoice !== undefined, `invoice ${name.invoiceId} exists`);
    const outcome = await runNextStep(context, lease, invoice);
    if (outcome === undefined) {
      const { state, next_attempt_at: nextAttemptAt, state_reason: reason } = invoice;
      return { state, nextAttemptAt, reason, isBarred: false };
    }
    if (outcome.outcome !== 'later') continue;
    const nextAttemptAt = await postponeInvoice(context, lease, name, outcome);
    const isBarred = outcome.isBarred === true;
    return { state: invoice.state, nextAttemptAt, reason: outcome.reason, isBarred };
  }
  throw new Error(`invoice ${name.invoiceId} does not advance`);
}

async function runNextStep(
  context: PayContext,
  lease: Lease,
  invoice: InvoiceRow,
): Promise<IssueOutcome | undefined> {
  const customer = await findCustomer(context.db, lease.accountId);
  const hasCustomer = (customer?.stripe_customer_id ?? null) !== null;
  const issue = { invoice, hasCustomer, now: context.clock() };
  const next = issueSteps.find(({ isDue }) => isDue(issue));
  if (next === undefined) return undefined;
  try {
    return await next.run(context, lease, invoice);
  } catch (error) {
    if (!(error instanceof Unanswered)) throw error;
    const { message: reason, retryAfterMs: waitMs, isBarred } = error;
    return { outcome: 'later', waitMs, reason, isBarred };
  }
}

/** Not before `waitMs` from now; answers when. @throws LeaseLost when somebody else took over and may have gone on. */
export async function postponeInvoice(
  { db, clock }: PayContext,
  lease: Lease,
  name: InvoiceName,
  { waitMs, reason }: { readonly waitMs: number; readonly reason: string },
): Promise<Date> {
  return await db.transaction().execute(async (tx) => {
    const now = clock();
    await holdLease(tx, now, lease);
    const at = new Date(now.getTime() + waitMs);
    await updateInvoice(tx, name)
      .set({ next_attempt_at: at, state_reason: reason })
      .where('state', 'not in', ['paid', 'void', 'settled', 'needs_operator', 'uncollectible'])
      .execute();
    return at;
  });
}
