import type { Db } from '../database/pool.ts';
import { UnreadableEvent } from '../metering/series/event-row.ts';
import { priceBooksOf } from '../pricing/store.ts';
import { withFacts, type Facts, type ReadArchived } from './facts.ts';
import { readFrozenInvoices } from './read-invoices.ts';
import {
  isArchived,
  recomputeInvoices,
  type Discrepancy,
  type Evidence,
} from './recompute-invoice.ts';
import { verifyChain, type ChainBreak, type ChainReport } from './verify-chain.ts';

export type Verification = {
  readonly account: string;
  readonly sealedEvents: bigint;
  readonly invoices: number;
  /** So many of them could not be recomputed: their facts are archived. */
  readonly archivedInvoices: number;
  readonly breaks: readonly ChainBreak[];
  readonly discrepancies: readonly Discrepancy[];
};

/**
 * Proves an account's invoices: the events are those that were sealed, each invoice carries the head of the
 * chain it was computed from, and recomputed from raw facts it has the same lines. Facts that are archived are
 * read by `readArchived`; without it, what rests on them is counted as archived. Changes nothing. Memory grows
 * with the account's invoices, not with its events.
 */
export async function verifyAccount(
  db: Db,
  account: string,
  readArchived?: ReadArchived,
): Promise<Verification> {
  return await withFacts(db, account, readArchived, async (facts) => {
    const chain = await verifyChain(facts);
    const { sealedCount: sealedEvents, breaks } = chain;
    return { account, sealedEvents, breaks, ...(await recomputeAll(facts, chain)) };
  });
}

async function recomputeAll(
  facts: Facts,
  chain: ChainReport,
): Promise<Pick<Verification, 'invoices' | 'archivedInvoices' | 'discrepancies'>> {
  try {
    const evidence = await readEvidence(facts);
    const discrepancies = [
      ...(await recomputeInvoices(facts, evidence)),
      ...evidence.invoices.flatMap((invoice) => headDifference(chain, invoice)),
    ];
    const archivedInvoices = evidence.invoices.filter(({ periodStart }) =>
      isArchived(evidence, periodStart),
    ).length;
    return { invoices: evidence.invoices.length, archivedInvoices, discrepancies };
  } catch (error) {
    // Whoever changes facts may leave what cannot be read: then the breaks name it, and nothing follows from it.
    if (!(error instanceof UnreadableEvent) || chain.breaks.length === 0) throw error;
    return { invoices: 0, archivedInvoices: 0, discrepancies: [] };
  }
}

export function isProven({ breaks, discrepancies }: Verification): boolean {
  return breaks.length === 0 && discrepancies.length === 0;
}

export async function readEvidence({ tx, account, missing }: Facts): Promise<Evidence> {
  const closedPeriods = await tx
    .selectFrom('billing_period')
    .select(['start_at as start', 'end_at as end'])
    .where('account_id', '=', account)
    .orderBy('start_at')
    .execute();
  return {
    knownFrom: missing?.settledAt,
    priceBooks: await priceBooksOf(tx, account),
    closedPeriods,
    invoices: await readFrozenInvoices(tx, account),
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
