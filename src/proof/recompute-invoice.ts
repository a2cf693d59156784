import { lastCounted } from '../accounts/account.ts';
import { adjustPeriod, type Billed } from '../invoicing/adjust-period.ts';
import { linesSha256 } from '../invoicing/compose-invoice.ts';
import { correctedFrom } from '../invoicing/find-adjustments.ts';
import { stretchesOf, type Stretch } from '../invoicing/stretches.ts';
import { quantityOf, subjectKey, totalOf, type Line, type LineSubject } from '../pricing/line.ts';
import type { PriceBook } from '../pricing/price-book.ts';
import { priceUsage } from '../pricing/price-usage.ts';
import { groupBy } from '../values/group.ts';
import type { Second } from '../values/instant.ts';
import type { Cents } from '../values/money.ts';
import { periodAt, type Period } from '../values/period.ts';
import type { Facts } from './facts.ts';
import { usageKnownBy } from './known-usage.ts';
import type { FrozenInvoice } from './read-invoices.ts';
import { readTurns, turnsBy } from './read-turns.ts';

/** What invoices are recomputed from, beside the facts: prices, and which periods were closed. */
export type Evidence = {
  /** Facts about periods that begin before are archived, and were not read; undefined: all are there. */
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
 * Recomputes invoices from raw facts, without series or checkpoints, as they were known when each was made, and
 * compares them line by line: its own period, and every period it may correct. Balance lines are held against
 * the total only: the ledger has their facts.
 */
export async function recomputeInvoices(facts: Facts, evidence: Evidence): Promise<Discrepancy[]> {
  const plans = await planAll(facts, evidence);
  const used = await usageKnownBy(
    facts,
    plans.map(({ invoice, bills }) => ({
      knownBy: invoice.recording,
      windows: bills.flatMap(({ stretches }) => stretches),
    })),
  );
  return plans.flatMap(({ invoice, bills }, index) => {
    const usages = used[index]!.values();
    const lines = new Map(
      bills.map(({ full, start, stretches }) => {
        const charged = stretches.map(({ priceBook }) => ({
          priceBook,
          usage: usages.next().value!,
        }));
        return [start, priceUsage(full, charged)];
      }),
    );
    return compareInvoice(evidence, invoice, bills, lines);
  });
}

/** A period that an invoice bills or may correct, and what of it is charged. */
type Bill = ClosedPeriod & { readonly full: Period; readonly stretches: readonly Stretch[] };

type Plan = { readonly invoice: FrozenInvoice; readonly bills: readonly Bill[] };

async function planAll(facts: Facts, evidence: Evidence): Promise<Plan[]> {
  const turns = await readTurns(facts);
  return evidence.invoices.map((invoice) => {
    const { signedUpAt, ...account } = turnsBy(turns, invoice.recording);
    const own = evidence.closedPeriods.find(({ start }) => start === invoice.periodStart)!;
    const from = correctedFrom(evidence.priceBooks, periodAt(signedUpAt, own.end - 1n));
    const bills = evidence.closedPeriods
      .filter(({ start, end }) => start === own.start || (start < own.start && end > from))
      .filter(({ start }) => !isArchived(evidence, start))
      .map((period): Bill => {
        const window = { from: period.start, to: lastCounted(account, period.end) };
        return {
          ...period,
          full: periodAt(signedUpAt, period.end - 1n),
          stretches: stretchesOf(window, account.upgradedAt, evidence.priceBooks),
        };
      });
    return { invoice, bills };
  });
}

function compareInvoice(
  evidence: Evidence,
  invoice: FrozenInvoice,
  bills: readonly Bill[],
  linesOf: ReadonlyMap<Second, readonly Line[]>,
): Discrepancy[] {
  if (isArchived(evidence, invoice.periodStart)) return frozenDifferences(invoice);
  const earlierInvoices = evidence.invoices.filter(
    ({ recording }) => recording < invoice.recording,
  );
  // What earlier periods cost by now, less what all invoices before this one billed for them (R60).
  const expected = bills.flatMap((period) => {
    const lines = linesOf.get(period.start)!;
    if (period.start === invoice.periodStart) {
      return lines.map((line) =>
        chargeOf(period.start, line, quantityOf(line), line.amountCents, false),
      );
    }
    return adjustPeriod(period, billedFor(period, earlierInvoices), lines).map((line) =>
      chargeOf(period.start, line.subject, line.quantity, line.amountCents, true),
    );
  });
  const frozen = invoice.lines.flatMap(({ subject, quantity, amountCents, adjustsPeriodStart }) => {
    const start = adjustsPeriodStart ?? invoice.periodStart;
    if (subject === undefined || isArchived(evidence, start)) return [];
    return [chargeOf(start, subject, quantity, amountCents, adjustsPeriodStart !== null)];
  });
  return [...differences(invoice.invoiceId, frozen, expected), ...frozenDifferences(invoice)];
}

/** Whether facts that bill a period are not there: of its lines only their sum and fingerprint are checked then. */
export function isArchived({ knownFrom }: Evidence, periodStart: Second): boolean {
  return knownFrom !== undefined && periodStart < knownFrom;
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
