import type { Db } from '../database/pool.ts';
import { UnreadableEvent } from '../metering/recording/event-row.ts';
import { priceBooksOf } from '../pricing/store.ts';
import { readKnownFacts } from './known-history.ts';
import { readFrozenInvoices } from './read-invoices.ts';
import { recomputeInvoice, type Discrepancy, type Evidence } from './recompute-invoice.ts';
import { verifyChain, type ChainBreak, type ChainReport } from './verify-chain.ts';

export type Verification = {
  readonly account: string;
  readonly sealedEvents: bigint;
  readonly invoices: number;
  readonly breaks: readonly ChainBreak[];
  readonly discrepancies: readonly Discrepancy[];
};

/**
 * Proves an account's invoices: the events are those that were sealed, each invoice carries the head of the
 * chain it was computed from, and recomputed from raw facts it has the same lines. Changes nothing.
 */
export async function verifyAccount(db: Db, account: string): Promise<Verification> {
  const chain = await verifyChain(db, account);
  return {
    account,
    sealedEvents: chain.sealedCount,
    breaks: chain.breaks,
    ...(await recomputeAll(db, account, chain)),
  };
}

async function recomputeAll(
  db: Db,
  account: string,
  chain: ChainReport,
): Promise<Pick<Verification, 'invoices' | 'discrepancies'>> {
  try {
    const evidence = await readEvidence(db, account);
    const discrepancies = evidence.invoices.flatMap((invoice) => [
      ...recomputeInvoice(evidence, invoice),
      ...headDifference(chain, invoice),
    ]);
    return { invoices: evidence.invoices.length, discrepancies };
  } catch (error) {
    // Whoever changes facts may leave what cannot be read: then the breaks name it, and nothing follows from it.
    if (!(error instanceof UnreadableEvent) || chain.breaks.length === 0) throw error;
    return { invoices: 0, discrepancies: [] };
  }
}

export function isProven({ breaks, discrepancies }: Verification): boolean {
  return breaks.length === 0 && discrepancies.length === 0;
}

export async function readEvidence(db: Db, account: string): Promise<Evidence> {
  const closedPeriods = await db
    .selectFrom('billing_period')
    .select(['start_at as start', 'end_at as end'])
    .where('account_id', '=', account)
    .orderBy('start_at')
    .execute();
  return {
    facts: await readKnownFacts(db, account),
    priceBooks: await priceBooksOf(db, account),
    closedPeriods,
    invoices: await readFrozenInvoices(db, account),
  };
}

/** An invoice without a head is not sealed yet, which is no difference. */
function headDifference(
  chain: ChainReport,
  { invoiceId, recording, chainHead }: Evidence['invoices'][number],
): Discrepancy[] {
  const head = chain.headAt(recording);
  if (chainHead === null || chainHead === head) return [];
  return [{ invoiceId, what: 'chain head', frozen: chainHead, recomputed: head ?? 'none' }];
}
