import { formatSecond } from '../../values/instant.ts';
import type { Param } from '../gateway.ts';
import type { InvoiceRow, LineRow } from './invoice-store.ts';
import type { StripeInvoice, StripeLine } from '../objects.ts';

/** A line as Stripe gets it: whole cents, so that it has nothing to round and its total is ours. */
export type SentLine = {
  /** Our line number, or the range of numbers that were put together. */
  readonly gmLine: string;
  readonly description: string;
  readonly amountCents: bigint;
};

/** Stripe takes 250 items per invoice; beyond this, the rest goes as one line. */
const MAX_LINES = 200;
/** Stripe takes 500 characters. */
const MAX_DESCRIPTION = 480;

/** The frozen lines as Stripe gets them; always the same for the same invoice. */
export function sentLines(lines: readonly LineRow[]): SentLine[] {
  if (lines.length <= MAX_LINES) return lines.map(sentLine);
  const rest = lines.slice(MAX_LINES - 1);
  const amountCents = rest.reduce((sum, line) => sum + line.amount_cents, 0n);
  return [
    ...lines.slice(0, MAX_LINES - 1).map(sentLine),
    {
      gmLine: `${rest[0]!.line_number}-${rest.at(-1)!.line_number}`,
      description: `${rest.length} more lines`,
      amountCents,
    },
  ];
}

export function lineParams(invoice: InvoiceRow, lines: readonly SentLine[]): Param {
  return lines.map(({ gmLine, description, amountCents }) => ({
    amount: Number(amountCents),
    description,
    discountable: false,
    period: { start: Number(invoice.period_start), end: Number(invoice.period_end) },
    metadata: { gm_line: gmLine },
  }));
}

/** How a draft of this invoice is known again, whatever became of our database. */
export function invoiceMetadata(invoice: InvoiceRow): Readonly<Record<string, string>> {
  return {
    gm_bill: invoice.invoice_id,
    gm_account: invoice.account_id,
    gm_period: formatSecond(invoice.period_start),
    gm_rev: String(invoice.revision),
    gm_lines_sha256: invoice.lines_sha256,
  };
}

/** What keeps a Stripe invoice from being ours to the cent and line; undefined when nothing does. */
export function contentFault(
  invoice: InvoiceRow,
  expected: readonly SentLine[],
  seen: StripeInvoice,
  seenLines: readonly StripeLine[],
): string | undefined {
  const total = seen.total === undefined ? undefined : BigInt(seen.total);
  if (total !== undefined && total !== invoice.total_cents) {
    return `total is ${total}, not ${invoice.total_cents}`;
  }
  if (seen.currency !== undefined && seen.currency !== invoice.currency) {
    return `currency is ${seen.currency}, not ${invoice.currency}`;
  }
  if (seen.metadata['gm_lines_sha256'] !== invoice.lines_sha256) return 'made from other lines';
  if ((seen.starting_balance ?? 0) !== 0) {
    return `the customer's balance at Stripe is ${seen.starting_balance}, not 0`;
  }
  if (seen.status === 'draft' && seen.amount_due !== undefined) {
    if (BigInt(seen.amount_due) !== invoice.total_cents) {
      return `amount due is ${seen.amount_due}, not ${invoice.total_cents}`;
    }
  }
  return linesFault(expected, seenLines);
}

function linesFault(
  expected: readonly SentLine[],
  seen: readonly StripeLine[],
): string | undefined {
  if (seen.length !== expected.length) return `${seen.length} lines, not ${expected.length}`;
  const amounts = new Map(seen.map((line) => [line.metadata['gm_line'], line.amount]));
  for (const { gmLine, amountCents } of expected) {
    const amount = amounts.get(gmLine);
    if (amount === undefined) return `line ${gmLine} is missing`;
    if (BigInt(amount) !== amountCents) return `line ${gmLine} is ${amount}, not ${amountCents}`;
  }
  return undefined;
}

function sentLine(line: LineRow): SentLine {
  return {
    gmLine: String(line.line_number),
    description: line.description.slice(0, MAX_DESCRIPTION),
    amountCents: line.amount_cents,
  };
}
