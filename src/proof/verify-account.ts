import type { Db } from '../database/pool.ts';
import { findArchivedPart, type ArchivedPart } from '../invoicing/explaining/archived-part.ts';
import { UnreadableEvent } from '../metering/recording/event-row.ts';
import { priceBooksOf } from '../pricing/store.ts';
import type { ArchivedEvent, ReadArchived } from './archived.ts';
import { readKnownFacts, withArchived } from './known-history.ts';
import { readFrozenInvoices } from './read-invoices.ts';
import {
  isArchived,
  recomputeInvoice,
  type Discrepancy,
  type Evidence,
} from './recompute-invoice.ts';
import { verifyThinnedChain } from './verify-thinned-chain.ts';
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
 * read by `readArchived`; without it, what rests on them is counted as archived. Changes nothing.
 */
export async function verifyAccount(
  db: Db,
  account: string,
  readArchived?: ReadArchived,
): Promise<Verification> {
  const part = await findArchivedPart(db, account);
  const archived = part && (await readArchived?.(account));
  const chain =
    part === undefined
      ? await verifyChain(db, account)
      : await verifyThinnedChain(db, account, part, archived);
  return {
    account,
    sealedEvents: chain.sealedCount,
    breaks: chain.breaks,
    ...(await recomputeAll(db, account, chain, { part, archived })),
  };
}

async function recomputeAll(
  db: Db,
  account: string,
  chain: ChainReport,
  { part, archived }: Archived,
): Promise<Pick<Verification, 'invoices' | 'archivedInvoices' | 'discrepancies'>> {
  try {
    const facts = await readEvidence(db, account);
    const evidence: Evidence =
      archived === undefined
        ? { ...facts, knownFrom: part?.settledAt }
        : { ...facts, facts: withArchived(account, facts.facts, archived) };
    const discrepancies = evidence.invoices.flatMap((invoice) => [
      ...recomputeInvoice(evidence, invoice),
      ...headDifference(chain, invoice),
    ]);
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

type Archived = {
  readonly part: ArchivedPart | undefined;
  readonly archived: readonly ArchivedEvent[] | undefined;
};

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
    knownFrom: undefined,
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
