import { lastCounted } from '../accounts/account.ts';
import type { AccountHistory } from '../events/admit-events.ts';
import type { Event } from '../events/event.ts';
import { adjustPeriod, type Billed } from '../invoicing/adjust-period.ts';
import { billPeriod } from '../invoicing/bill-period.ts';
import { linesSha256 } from '../invoicing/compose-invoice.ts';
import { correctedFrom } from '../invoicing/find-adjustments.ts';
import { UnreadableEvent } from '../metering/recording/event-row.ts';
import { segmentsOf } from '../metering/usage/segments.ts';
import { quantityOf, subjectKey, totalOf, type Line, type LineSubject } from '../pricing/line.ts';
import type { PriceBook } from '../pricing/price-book.ts';
import { groupBy } from '../values/group.ts';
import { earlier, type Second } from '../values/instant.ts';
import type { Cents } from '../values/money.ts';
import { periodAt, type Period } from '../values/period.ts';
import { historyKnownBy, type KnownFact } from './known-history.ts';
import type { FrozenInvoice } from './read-invoices.ts';

/** Everything invoices are recomputed from: facts, prices, and which periods were closed. */
export type Evidence = {
  readonly facts: readonly KnownFact[];
  /** Facts about periods that begin before are archived, and not among them; undefined: all are there. */
  readonly knownFrom: Second | undefined;
  readonly priceBooks: readonly PriceBook[];
  /** Oldest first. */
  readonly closedPeriods: readonly ClosedPeriod[];
  /** In the order in which they were computed. */
  readonly invoices: readonly FrozenInvoice[];
};

export type ClosedPeriod = { readonly start: Second; readonly end: Second };

/** A line, or the total, that is not what the facts say. */
export type Discrepancy = {
  readonly invoiceId: string;
  readonly what: string;
  readonly frozen: string;
  readonly recomputed: string;
};

type Charge = {
  readonly what: string;
  readonly quantity: bigint;
  readonly amountCents: Cents;
};

/**
 * Recomputes one invoice from raw facts by the pure engine, without series or checkpoints, as they were
 * known when it was made, and compares it line by line. Balance lines are held against the total only: the
 * ledger has their facts.
 */
export function recomputeInvoice(evidence: Evidence, invoice: FrozenInvoice): Discrepancy[] {
  if (isArchived(evidence, invoice.periodStart)) return frozenDifferences(invoice);
  const history = historyKnownBy(evidence.facts, invoice.recording);
  const { signedUpAt, bill } = billsBy(history, evidence.priceBooks);
  const own = evidence.closedPeriods.find(({ start }) => start === invoice.periodStart)!;
  const expected = [
    ...bill(own).map((line) =>
      chargeOf(own.start, line, quantityOf(line), line.amountCents, false),
    ),
    ...expectedAdjustments(evidence, invoice, periodAt(signedUpAt, own.end - 1n), bill),
  ];
  const frozen = invoice.lines.flatMap(({ subject, quantity, amountCents, adjustsPeriodStart }) =>
    subject === undefined || isArchived(evidence, adjustsPeriodStart ?? own.start)
      ? []
      : [
          chargeOf(
            adjustsPeriodStart ?? own.start,
            subject,
            quantity,
            amountCents,
            adjustsPeriodStart !== null,
          ),
        ],
  );
  return [...differences(invoice.invoiceId, frozen, expected), ...frozenDifferences(invoice)];
}

/** Whether facts that bill a period are not there: of its lines only their sum and fingerprint are checked then. */
export function isArchived({ knownFrom }: Evidence, periodStart: Second): boolean {
  return knownFrom !== undefined && periodStart < knownFrom;
}

type Bill = (period: ClosedPeriod) => readonly Line[];

function billsBy(
  history: AccountHistory,
  priceBooks: readonly PriceBook[],
): { readonly signedUpAt: Second; readonly bill: Bill } {
  const segments = segmentsOf(history);
  const signedUpAt = earliest(history.events, 'account.created');
  if (signedUpAt === undefined) throw new UnreadableEvent('the sign-up is not among the facts');
  const upgradedAt = earliest(history.events, 'account.upgraded');
  const deletedAt = earliest(history.events, 'account.deleted');
  const bill: Bill = ({ start, end }) => {
    const period = periodAt(signedUpAt, end - 1n);
    const countedTo = lastCounted({ deletedAt }, end);
    // Nothing is used after the deletion: an invoice then carries corrections only.
    if (countedTo <= start) return [];
    return billPeriod({ upgradedAt }, segments, priceBooks, period, countedTo).lines;
  };
  return { signedUpAt, bill };
}

/** What earlier periods cost by now, less what all invoices before this one billed for them (R60). */
function expectedAdjustments(
  evidence: Evidence,
  invoice: FrozenInvoice,
  full: Period,
  bill: Bill,
): Charge[] {
  const { closedPeriods, invoices, priceBooks } = evidence;
  const from = correctedFrom(priceBooks, full);
  const earlierInvoices = invoices.filter(({ recording }) => recording < invoice.recording);
  return closedPeriods
    .filter(({ start, end }) => start < invoice.periodStart && end > from)
    .filter(({ start }) => !isArchived(evidence, start))
    .flatMap((period) =>
      adjustPeriod(period, billedFor(period, earlierInvoices), bill(period)).map((line) =>
        chargeOf(period.start, line.subject, line.quantity, line.amountCents, true),
      ),
    );
}

function billedFor({ start }: ClosedPeriod, invoices: readonly FrozenInvoice[]): Billed[] {
  const parts = invoices.flatMap(({ periodStart, lines }) =>
    lines.flatMap(({ subject, adjustsPeriodStart, quantity, amountCents }) =>
      subject !== undefined && (adjustsPeriodStart ?? periodStart) === start
        ? [{ subject, quantity, amountCents }]
        : [],
    ),
  );
  return [...groupBy(parts, ({ subject }) => subjectKey(subject)).values()].map((ofOne) => ({
    subject: ofOne[0]!.subject,
    quantity: ofOne.reduce((sum, { quantity }) => sum + quantity, 0n),
    amountCents: totalOf(ofOne),
  }));
}

function chargeOf(
  periodStart: Second,
  subject: LineSubject,
  quantity: bigint,
  amountCents: Cents,
  isAdjustment: boolean,
): Charge {
  const prefix = isAdjustment ? `adjustment of ${periodStart} ` : '';
  return { what: `${prefix}${subjectKey(subject)}`, quantity, amountCents };
}

function differences(
  invoiceId: string,
  frozen: readonly Charge[],
  expected: readonly Charge[],
): Discrepancy[] {
  const told = (charge: Charge | undefined): string =>
    charge === undefined ? 'no line' : `quantity ${charge.quantity}, ${charge.amountCents} cents`;
  const was = new Map(frozen.map((charge) => [charge.what, charge]));
  const is = new Map(expected.map((charge) => [charge.what, charge]));
  return [...new Set([...was.keys(), ...is.keys()])].flatMap((what) => {
    const [before, now] = [told(was.get(what)), told(is.get(what))];
    return before === now ? [] : [{ invoiceId, what, frozen: before, recomputed: now }];
  });
}

/** The lines are still those that were frozen, and add up. */
function frozenDifferences({
  invoiceId,
  totalCents,
  lines,
  linesSha256: frozen,
}: FrozenInvoice): Discrepancy[] {
  const sum = totalOf(lines);
  const fingerprint = linesSha256(lines);
  return [
    ...(sum === totalCents
      ? []
      : [{ invoiceId, what: 'total', frozen: `${totalCents} cents`, recomputed: `${sum} cents` }]),
    ...(fingerprint === frozen
      ? []
      : [{ invoiceId, what: 'fingerprint of the lines', frozen, recomputed: fingerprint }]),
  ];
}

function earliest(events: readonly Event[], type: Event['fact']['type']): Second | undefined {
  return events
    .filter(({ fact }) => fact.type === type)
    .map(({ occurredAt }) => occurredAt.second)
    .reduce<Second | undefined>(
      (first, at) => (first === undefined ? at : earlier(first, at)),
      undefined,
    );
}
