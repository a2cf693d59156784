import { sql } from 'kysely';
import type { Db } from '../../database/pool.ts';
import { findUnresolvedDrift, recordDrift, type Drift } from '../drift.ts';
import { findCustomer } from '../customer.ts';
import type { StripeContext } from '../operation.ts';
import { checkBooks } from './check-books.ts';
import { checkInvoices, checkOneInvoice } from './check-invoices.ts';
import { checkBalances, checkMoneyOf, checkRecentMoney } from './check-money.ts';

export type ReconcileContext = StripeContext & {
  /** Compares what was billed since then with what the recorded events say today; not done when absent. */
  readonly checkUsage?: (accountId: string | undefined, since: Date) => Promise<readonly Drift[]>;
};

export type Report = {
  /** Stripe invoices that were compared. */
  readonly invoices: number;
  readonly accounts: readonly AccountReport[];
};

export type AccountReport = {
  /** Empty when no account of ours is known. */
  readonly accountId: string;
  /** Theirs less ours, over all that differs. */
  readonly cents: bigint;
  readonly drift: readonly Drift[];
};

const DAY_MS = 86_400_000;
/** Longer than a billing period and its retries; earlier ones were compared then. */
const DEFAULT_DAYS = 40;

/** Which a run over the last days does not find again when they are older: they are looked at one by one. */
const DATED = ['invoice_missing', 'invoice_status', 'invoice_unknown', 'ledger_payment', 'usage'];
/** What a run finds again as long as it is so, and hence may call resolved when it does not. */
const RECHECKED = [
  ...DATED,
  'customer_balance',
  'invoice_lines',
  'invoice_stuck',
  'ledger_refund',
  'ledger_total',
  'needs_operator',
  'refund_stuck',
];

/**
 * Compares events, invoices, ledger and Stripe, of one account over all time or of all accounts over the
 * last `days`, and reports in cents where they differ. News that never reached us is taken over; nothing
 * is changed at Stripe, and what a person changed there by hand is reported until somebody resolves it.
 *
 * @throws Unanswered when Stripe cannot be read to the end; what was found until then is kept.
 */
export async function reconcile(
  context: ReconcileContext,
  { accountId, days = DEFAULT_DAYS }: { readonly accountId?: string; readonly days?: number } = {},
): Promise<Report> {
  const { db, clock } = context;
  const startedAt = clock();
  const invoices =
    accountId === undefined
      ? await checkAll(context, startedAt, days)
      : await checkAccount(context, accountId);
  await checkBooks(context, accountId);
  const since = new Date(accountId === undefined ? startedAt.getTime() - days * DAY_MS : 0);
  await recordDrift(db, clock(), (await context.checkUsage?.(accountId, since)) ?? []);
  if (accountId === undefined) await checkOlder(context, startedAt);
  await resolveGone(db, startedAt, accountId);
  return {
    invoices,
    accounts: groupByAccount(
      await findUnresolvedDrift(db, accountId === undefined ? {} : { accountId }),
    ),
  };
}

async function checkAccount(context: StripeContext, accountId: string): Promise<number> {
  const customer = await findCustomer(context.db, accountId);
  const customerId = customer?.stripe_customer_id ?? null;
  if (customerId === null) return 0;
  const invoices = await checkInvoices(context, { accountId, customerId });
  await checkMoneyOf(context, accountId);
  await checkBalances(context, { customerId });
  return invoices;
}

async function checkAll(context: StripeContext, now: Date, days: number): Promise<number> {
  let invoices = 0;
  // A day at a time, so that memory holds one day's invoices; the last one reaches a day ahead of our
  // clock, should Stripe's be ahead.
  for (let day = days; day >= 0; day -= 1) {
    const from = new Date(now.getTime() - day * DAY_MS);
    invoices += await checkInvoices(context, { from, until: new Date(from.getTime() + DAY_MS) });
  }
  await checkRecentMoney(context, new Date(now.getTime() - days * DAY_MS));
  await checkBalances(context);
  return invoices;
}

/** What was found before and lies further back than this run: is it still so? */
async function checkOlder(context: ReconcileContext, startedAt: Date): Promise<void> {
  const { db, clock, checkUsage } = context;
  const open = (await findUnresolvedDrift(db, { lastSeenBefore: startedAt })).filter(({ kind }) =>
    DATED.includes(kind),
  );
  for (const { accountId, details } of open) {
    const { invoice, stripe_invoice: id } = details;
    if (typeof invoice !== 'string' || typeof id !== 'string') continue;
    await checkOneInvoice(context, { accountId, invoiceId: invoice }, id);
  }
  const accounts = open.filter(({ kind }) => kind === 'usage').map(({ accountId }) => accountId);
  for (const accountId of new Set(accounts)) {
    await recordDrift(db, clock(), (await checkUsage?.(accountId, new Date(0))) ?? []);
  }
}

async function resolveGone(db: Db, startedAt: Date, accountId: string | undefined): Promise<void> {
  await db
    .updateTable('drift')
    .set({ resolved_at: startedAt })
    .where('resolved_at', 'is', null)
    .where('last_seen_at', '<', startedAt)
    .where('kind', '=', sql<string>`any(${RECHECKED}::text[])`)
    .$if(accountId !== undefined, (query) => query.where('account_id', '=', accountId!))
    .execute();
}

function groupByAccount(found: readonly Drift[]): AccountReport[] {
  const groups = new Map<string, Drift[]>();
  for (const drift of found) {
    const group = groups.get(drift.accountId);
    if (group === undefined) groups.set(drift.accountId, [drift]);
    else group.push(drift);
  }
  return [...groups].map(([accountId, drift]) => ({
    accountId,
    cents: drift.reduce((sum, { cents }) => sum + cents, 0n),
    drift,
  }));
}
