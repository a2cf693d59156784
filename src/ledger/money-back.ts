import { toSecond } from '../values/instant.ts';
import type { Cents } from '../values/money.ts';

/** R41: refunds of up to $75 in total, within 31 days of the first upgrade. */
export const MONEY_BACK_LIMIT_CENTS: Cents = 7_500n;
export const MONEY_BACK_SECONDS = 31n * 86_400n;

/** What decides whether money is given back, and how. */
export type MoneyBackCase = {
  readonly amountCents: Cents;
  readonly now: Date;
  /** Epoch second; undefined for an account that never upgraded. */
  readonly upgradedAt: bigint | undefined;
  /** Given back before, refunds that failed left out. */
  readonly givenCents: Cents;
  /** Paid invoices, oldest first, with what is left of each payment. */
  readonly payments: readonly { readonly invoiceId: string; readonly leftCents: Cents }[];
  /** What the account owes for usage that is on no invoice yet, less the credit it has. */
  readonly notYetInvoicedCents: Cents;
};

export type MoneyBackPlan = {
  readonly refunds: readonly { readonly invoiceId: string; readonly amountCents: Cents }[];
  readonly creditCents: Cents;
};

export type MoneyBackRefusal = { readonly code: string; readonly message: string };

/**
 * Payments are refunded first, oldest first; what is left is given as credit, up to what is not yet
 * invoiced. The last second of the 31 days and the last cent of the limit still count.
 */
export function planMoneyBack(request: MoneyBackCase): MoneyBackPlan | MoneyBackRefusal {
  const { amountCents, now, upgradedAt, givenCents, notYetInvoicedCents } = request;
  if (amountCents <= 0n) return refusal('amount_invalid', 'the amount must be at least 1 cent');
  if (upgradedAt === undefined) {
    return refusal('never_upgraded', 'the account never upgraded, so it was never charged');
  }
  if (toSecond(now) - upgradedAt > MONEY_BACK_SECONDS) {
    return refusal('too_late', 'money back is given within 31 days of the first upgrade only');
  }
  const leftOfLimit = MONEY_BACK_LIMIT_CENTS - givenCents;
  if (amountCents > leftOfLimit) {
    return refusal(
      'limit_reached',
      `at most ${leftOfLimit} of ${MONEY_BACK_LIMIT_CENTS} cents are left to give back`,
    );
  }
  const refunds = takeFrom(request.payments, amountCents);
  const refundedCents = refunds.reduce((sum, refund) => sum + refund.amountCents, 0n);
  const creditCents = amountCents - refundedCents;
  if (creditCents > (notYetInvoicedCents > 0n ? notYetInvoicedCents : 0n)) {
    const most = refundedCents + (notYetInvoicedCents > 0n ? notYetInvoicedCents : 0n);
    return refusal(
      'more_than_paid',
      `at most ${most} cents were paid or are due and not given back yet`,
    );
  }
  return { refunds, creditCents };
}

function takeFrom(
  payments: MoneyBackCase['payments'],
  amountCents: Cents,
): { readonly invoiceId: string; readonly amountCents: Cents }[] {
  let wanted = amountCents;
  return payments.flatMap(({ invoiceId, leftCents }) => {
    const taken = leftCents < wanted ? leftCents : wanted;
    wanted -= taken > 0n ? taken : 0n;
    return taken > 0n ? [{ invoiceId, amountCents: taken }] : [];
  });
}

function refusal(code: string, message: string): MoneyBackRefusal {
  return { code, message };
}
