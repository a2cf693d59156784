import type { Cents } from '../values/money.ts';

/**
 * The books of an account's ledger. credit: what it may still use; carried: what earlier invoices were too
 * small to charge (R41b); written_off: the same once no invoice follows; cash: what was paid, less what was
 * refunded or is held back by a bank in a dispute.
 */
export type Book = 'credit' | 'carried' | 'written_off' | 'cash';

/**
 * One money fact, never edited. `entryId` says what the fact is about ('payment:inv_…'), so that writing
 * it a second time changes nothing.
 */
export type LedgerEntry = {
  readonly accountId: string;
  readonly entryId: string;
  readonly book: Book;
  readonly kind:
    | 'credit_granted'
    | 'credit_applied'
    | 'credit_from_corrections'
    | 'carried_over'
    | 'carried_billed'
    | 'written_off'
    | 'written_off_billed'
    | 'payment'
    | 'refund'
    | 'refund_failed'
    | 'dispute_withdrawn'
    | 'dispute_reinstated';
  readonly amountCents: Cents;
  readonly invoiceId?: string;
  readonly actor: string;
  readonly reason?: string;
};

export type Balances = { readonly [book in Book]: Cents };

export function withEntries(balances: Balances, entries: readonly LedgerEntry[]): Balances {
  return entries.reduce(
    (sum, { book, amountCents }) => ({ ...sum, [book]: sum[book] + amountCents }),
    balances,
  );
}
