import { ensureCustomer } from '../customer.ts';
import { makeDraft } from './draft-invoice.ts';
import { addLines } from './fill-invoice.ts';
import { finalizeInvoice } from './finalize-invoice.ts';
import { nameOf, parkInvoice, type InvoiceRow } from './invoice-store.ts';
import { holdLease, type Lease } from '../lease.ts';
import { OPERATION_MOMENTS, type Outcome } from '../operation.ts';
import { payInvoice, type PayContext } from './pay-invoice.ts';
import { VERIFY_MOMENTS, verifyInvoice } from './verify-invoice.ts';

/** What decides which step is next. */
export type Issue = {
  readonly invoice: InvoiceRow;
  readonly hasCustomer: boolean;
  readonly now: Date;
};

export type IssueOutcome = Outcome<unknown> | { readonly outcome: 'no_card' };

export type IssueStep = {
  readonly name: string;
  /** The points of the step at which a crash leaves something half done. */
  readonly moments: readonly string[];
  readonly isDue: (issue: Issue) => boolean;
  readonly run: (context: PayContext, lease: Lease, invoice: InvoiceRow) => Promise<IssueOutcome>;
};

/** From a frozen invoice to a paid one, in order; the first one that is due is next. */
export const issueSteps: readonly IssueStep[] = [
  {
    name: 'customer',
    moments: OPERATION_MOMENTS,
    isDue: ({ invoice, hasCustomer }) => invoice.state === 'frozen' && !hasCustomer,
    run: makeCustomer,
  },
  {
    name: 'draft',
    moments: OPERATION_MOMENTS,
    isDue: ({ invoice }) => invoice.state === 'frozen',
    run: draft,
  },
  {
    name: 'lines',
    moments: OPERATION_MOMENTS,
    isDue: ({ invoice }) => invoice.state === 'drafted',
    run: addLines,
  },
  {
    name: 'verify',
    moments: VERIFY_MOMENTS,
    isDue: ({ invoice }) => invoice.state === 'filled',
    run: verifyInvoice,
  },
  {
    name: 'finalize',
    moments: OPERATION_MOMENTS,
    isDue: ({ invoice }) => invoice.state === 'verified' || invoice.state === 'finalizing',
    run: finalizeInvoice,
  },
  {
    name: 'pay',
    moments: OPERATION_MOMENTS,
    isDue: ({ invoice, now }) =>
      invoice.state === 'open' &&
      invoice.next_attempt_at !== null &&
      invoice.next_attempt_at <= now,
    run: payInvoice,
  },
];

/** Every point of issuing at which a process may die; the crash test kills one at each. */
export const issueCrashPoints: readonly string[] = issueSteps.flatMap(({ name, moments }) =>
  moments.map((moment) => `${name}:${moment}`),
);

/** What Stripe takes in US cents; below it, the amount would become a debt that it nets by itself. */
const MIN_CENTS = 50n;
const MAX_CENTS = 99_999_999n;

async function draft(context: PayContext, lease: Lease, invoice: InvoiceRow) {
  if (invoice.total_cents >= MIN_CENTS && invoice.total_cents <= MAX_CENTS) {
    return await makeDraft(context, lease, invoice);
  }
  const reason = `Stripe cannot charge ${invoice.total_cents} cents`;
  await park(context, lease, invoice, reason);
  return { outcome: 'done', result: null } as const;
}

async function makeCustomer(
  context: PayContext,
  lease: Lease,
  invoice: InvoiceRow,
): Promise<IssueOutcome> {
  const outcome = await ensureCustomer(context, lease);
  if (outcome.outcome === 'refused') {
    await park(context, lease, invoice, `customer refused: ${outcome.refusal.message}`);
  }
  return outcome;
}

async function park(
  { db, clock }: PayContext,
  lease: Lease,
  invoice: InvoiceRow,
  reason: string,
): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await holdLease(tx, clock(), lease);
    await parkInvoice(tx, nameOf(invoice), reason);
  });
}
