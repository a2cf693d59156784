import type { Db } from '../../database/pool.ts';
import { UNFINISHED, type InvoiceName } from './invoice-store.ts';
import { withLease } from '../lease.ts';
import { issueInvoice, postponeInvoice, type Issued } from './issue-invoice.ts';
import type { PayContext } from './pay-invoice.ts';

export type Batch = {
  /** How many invoices at most; default 100. */
  readonly limit?: number;
  /**
   * How many accounts at once; default 12: an invoice is five calls one after the other, and most of their time
   * is waiting for their turn.
   */
  readonly concurrency?: number;
};

export type BatchResult = {
  /** How many were worked on. */
  readonly tried: number;
  readonly byState: Readonly<Record<string, number>>;
  /** Stripe does not accept our key: the batch was cut short. */
  readonly isBarred: boolean;
  /** What could not be worked on because something of ours broke; it comes again. */
  readonly failures: readonly Failure[];
};

export type Failure = {
  readonly accountId: string;
  /** Id of the invoice or refund. */
  readonly subject: string;
  readonly error: unknown;
};

/** How long something that breaks us is left alone, so that all others are worked on before. */
export const BROKEN_PAUSE_MS = 600_000;

/** Issues invoices that are not at Stripe yet, oldest first. Safe to repeat and to run in many processes. */
export async function issueDue(context: PayContext, batch: Batch = {}): Promise<BatchResult> {
  return await issueAll(
    context,
    await findUnfinished(context.db, context.clock(), batch.limit ?? 100),
    batch.concurrency ?? 12,
  );
}

/** One invoice of an account after the other, several accounts at a time. */
export async function issueAll(
  context: PayContext,
  names: readonly InvoiceName[],
  concurrency: number,
): Promise<BatchResult> {
  const queue = byAccount(names);
  const byState: Record<string, number> = {};
  let tried = 0;
  let isBarred = false;
  const failures: Failure[] = [];
  const fail = async (name: InvoiceName, error: unknown): Promise<Issued | 'busy'> => {
    failures.push({ accountId: name.accountId, subject: name.invoiceId, error });
    return await withLease(context, name.accountId, async (lease) => {
      const reason = String(error);
      const later = { waitMs: BROKEN_PAUSE_MS, reason };
      const nextAttemptAt = await postponeInvoice(context, lease, name, later);
      return { state: 'failed', nextAttemptAt, reason, isBarred: false };
    });
  };
  const work = async (): Promise<void> => {
    for (let own = queue.shift(); own !== undefined; own = queue.shift()) {
      for (const name of own) {
        if (isBarred) return;
        const issued = await issueInvoice(context, name).catch(
          async (error: unknown) => await fail(name, error),
        );
        const state = issued === 'busy' ? 'busy' : issued.state;
        byState[state] = (byState[state] ?? 0) + 1;
        tried += 1;
        if (issued !== 'busy' && issued.isBarred) isBarred = true;
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return { tried, byState, isBarred, failures };
}

function byAccount(names: readonly InvoiceName[]): InvoiceName[][] {
  const groups = new Map<string, InvoiceName[]>();
  for (const name of names) {
    const group = groups.get(name.accountId);
    if (group === undefined) groups.set(name.accountId, [name]);
    else group.push(name);
  }
  return [...groups.values()];
}

async function findUnfinished(db: Db, now: Date, limit: number): Promise<InvoiceName[]> {
  const rows = await db
    .selectFrom('invoice')
    .leftJoin('stripe_lease', 'stripe_lease.account_id', 'invoice.account_id')
    .select(['invoice.account_id', 'invoice.invoice_id'])
    .where('invoice.state', 'in', UNFINISHED)
    .where((where) =>
      where.or([
        where('invoice.next_attempt_at', 'is', null),
        where('invoice.next_attempt_at', '<=', now),
      ]),
    )
    .where((where) =>
      where.or([where('stripe_lease.until', 'is', null), where('stripe_lease.until', '<=', now)]),
    )
    .orderBy('invoice.created_at')
    .orderBy('invoice.account_id')
    .orderBy('invoice.period_start')
    .limit(limit)
    .execute();
  return rows.map((row) => ({ accountId: row.account_id, invoiceId: row.invoice_id }));
}
