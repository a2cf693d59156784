import { hash } from 'node:crypto';
import type { Balances, LedgerEntry } from '../ledger/entry.ts';
import { totalOf, type Line } from '../pricing/line.ts';
import { formatCents, type Cents } from '../values/money.ts';
import type { AdjustmentLine } from './adjust-period.ts';
import type { Second } from '../values/instant.ts';

/** A line that moves money between invoices and the ledger instead of charging for usage. */
export type BalanceLine = {
  readonly kind: 'carried' | 'written_off' | 'credit';
  readonly description: string;
  readonly amountCents: Cents;
};

export type InvoiceLine = Line | AdjustmentLine | BalanceLine;

/** An invoice as it is frozen: nothing of it changes any more. */
export type ComposedInvoice = {
  readonly invoiceId: string;
  readonly lines: readonly InvoiceLine[];
  /** What is to be collected; 0 needs no Stripe. */
  readonly totalCents: Cents;
  readonly ledgerEntries: readonly LedgerEntry[];
};

/**
 * Adds what the ledger holds to the priced lines and corrections: what earlier invoices were too small to
 * charge, then the account's credit, never more than there is to pay (R40). Corrections that outweigh
 * everything become credit. A total below the minimum charge is carried to the next invoice (R41b); of the
 * last one, of an account that ended, it is written off, and billed again should late facts make another.
 * Every balance line has its ledger entry, so nothing is lost or used twice.
 */
export function composeInvoice(invoice: {
  readonly accountId: string;
  readonly periodStart: Second;
  readonly lines: readonly (Line | AdjustmentLine)[];
  readonly balances: Balances;
  readonly minimumChargeCents: Cents;
  readonly isLast: boolean;
}): ComposedInvoice {
  const { accountId, balances, minimumChargeCents, isLast } = invoice;
  const invoiceId = invoiceIdOf(accountId, invoice.periodStart, 0);
  const lines: InvoiceLine[] = [...invoice.lines];
  const ledgerEntries: LedgerEntry[] = [];
  const move = (line: BalanceLine, kind: LedgerEntry['kind'], inLedger: Cents): void => {
    lines.push(line);
    ledgerEntries.push({
      accountId,
      entryId: `${kind}:${invoiceId}`,
      book: line.kind,
      kind,
      amountCents: inLedger,
      invoiceId,
      actor: 'close',
    });
  };

  const { carried, written_off: writtenOff } = balances;
  if (carried > 0n) {
    const description = 'Carried over from earlier invoices';
    move({ kind: 'carried', description, amountCents: carried }, 'carried_billed', -carried);
  }
  if (writtenOff > 0n) {
    const description = 'Written off before, when no invoice was to follow';
    move(
      { kind: 'written_off', description, amountCents: writtenOff },
      'written_off_billed',
      -writtenOff,
    );
  }
  const payable = totalOf(lines);
  if (payable < 0n) {
    const line = { kind: 'credit', description: 'Kept as credit', amountCents: -payable } as const;
    move(line, 'credit_from_corrections', -payable);
  }
  const credit = balances.credit < payable ? balances.credit : payable;
  if (credit > 0n) {
    const line = { kind: 'credit', description: 'Credit', amountCents: -credit } as const;
    move(line, 'credit_applied', -credit);
  }
  const small = totalOf(lines);
  if (small > 0n && small < minimumChargeCents) {
    const why = `below the minimum charge of ${formatCents(minimumChargeCents)}`;
    if (isLast) {
      const description = `Written off: ${why}, and no invoice follows`;
      move({ kind: 'written_off', description, amountCents: -small }, 'written_off', small);
    } else {
      const description = `Carried to the next invoice: ${why}`;
      move({ kind: 'carried', description, amountCents: -small }, 'carried_over', small);
    }
  }
  return { invoiceId, lines, totalCents: totalOf(lines), ledgerEntries };
}

/**
 * The id follows from what the invoice is for: after a restore from a backup the same invoice has the same
 * id again, and with it the same keys at Stripe.
 */
export function invoiceIdOf(accountId: string, periodStart: Second, revision: number): string {
  const subject = JSON.stringify([accountId, periodStart.toString(), revision]);
  return `inv_${hash('sha256', subject).slice(0, 24)}`;
}

/** A fingerprint of the lines, kept with the invoice here and at Stripe. */
export function linesSha256(
  lines: readonly Pick<InvoiceLine, 'kind' | 'description' | 'amountCents'>[],
): string {
  const content = lines.map((line) => [line.kind, line.description, line.amountCents.toString()]);
  return hash('sha256', JSON.stringify(content));
}
