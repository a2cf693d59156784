import type { Usage } from '../../src/metering/usage/usage.ts';
import { formatSecond, type Second } from '../../src/values/instant.ts';
import { formatCents } from '../../src/values/money.ts';
import type { BillRow } from './story.ts';

/** A period as it came out, whichever way it was computed. */
export type BilledPeriod = {
  readonly start: Second;
  readonly end: Second;
  readonly isOpen: boolean;
  readonly isInvoiced: boolean;
  readonly usage: Usage;
  readonly lines: readonly BilledLine[];
  readonly totalCents: bigint;
  /** What its bill says of silent sources, and of reports that came too late; nothing by computation. */
  readonly unconfirmed?: readonly { readonly from: Second; readonly to: Second | undefined }[];
  readonly correctedFrom?: Second | undefined;
};

export type BilledLine = {
  readonly kind: string;
  readonly app?: string | undefined;
  readonly database?: string | undefined;
  readonly sizeTenths?: number | undefined;
  /** Tenths of replica-size-seconds for apps, seconds for databases. */
  readonly quantity: bigint;
  readonly description: string;
  readonly amountCents: bigint;
};

/** What came out, told in the rows a story is written in, so that a difference shows as a table. */
export function billRows(periods: readonly BilledPeriod[]): BillRow[] {
  return periods.flatMap((period) => {
    const name = `${when(period.start)} to ${when(period.end)}`;
    return [
      ...resourceRows(period),
      ...period.lines.filter((line) => !isResource(line)).map(otherRow),
      ...noteRows(period),
      closingRow(period),
    ].map((row) => ({ period: name, ...row }));
  });
}

/** The rows without what only the ledger knows: `estimate` carries and credits nothing. */
export function withoutBalances(bill: readonly BillRow[]): BillRow[] {
  let cents = 0n;
  return bill.flatMap((row): BillRow[] => {
    if (row.what.startsWith('total')) {
      const amount = formatCents(cents);
      cents = 0n;
      return [{ ...row, amount }];
    }
    const isBalance = /^(?:carried|written|credit|kept)/.test(row.what);
    if (!isBalance) cents += centsIn(row.amount);
    return isBalance ? [] : [row];
  });
}

/** All invoices together, in cents. */
export function collected(bill: readonly BillRow[]): bigint {
  return bill
    .filter(({ what }) => what === 'total')
    .reduce((sum, { amount }) => sum + centsIn(amount), 0n);
}

function centsIn(amount: string): bigint {
  return BigInt(amount.replaceAll(/[$,.]/g, ''));
}

type Row = Omit<BillRow, 'period'>;

/** What was used with its line, then lines without usage: there must be none. */
function resourceRows({ usage, lines }: BilledPeriod): Row[] {
  const used = new Map([
    ...usage.apps.map(({ app, rssTenths }) => [nameOf({ app }), rssTenths] as const),
    ...usage.databases.map((row) => [nameOf(row), row.seconds] as const),
  ]);
  const charged = new Map(lines.filter(isResource).map((line) => [nameOf(line), line]));
  return [...new Set([...used.keys(), ...charged.keys()])].map((what) => {
    const line = charged.get(what);
    const units = used.get(what) ?? 0n;
    return {
      what,
      used: quantity(what, units),
      charged:
        line === undefined
          ? 'none'
          : line.quantity === units
            ? 'all'
            : quantity(what, line.quantity),
      amount: line === undefined ? '' : formatCents(line.amountCents),
    };
  });
}

function isResource(line: BilledLine): boolean {
  return line.kind === 'app' || line.kind === 'database';
}

function otherRow(line: BilledLine): Row {
  const amount = formatCents(line.amountCents);
  if (line.kind === 'adjustment') {
    const name = nameOf(line);
    const start = /^Correction of (\S+) /.exec(line.description)?.[1] ?? '';
    const what = `correction of ${spaced(start)}: ${name}`;
    return { what, used: '', charged: quantity(name, line.quantity), amount };
  }
  return { what: balanceOf(line), used: '', charged: '', amount };
}

function noteRows({ unconfirmed = [], correctedFrom }: BilledPeriod): Row[] {
  const notes = unconfirmed.map(({ from, to }) =>
    to === undefined
      ? `not confirmed since ${when(from)}`
      : `not confirmed from ${when(from)} to ${when(to)}`,
  );
  if (correctedFrom !== undefined) {
    notes.push(`too late to be corrected: what is before ${when(correctedFrom)}`);
  }
  return notes.map((what) => ({ what, used: '', charged: '', amount: '' }));
}

function balanceOf({ kind, amountCents }: BilledLine): string {
  if (kind === 'written_off') return amountCents < 0n ? 'written off' : 'written off before';
  if (kind === 'credit') return amountCents < 0n ? 'credit' : 'kept as credit';
  return amountCents < 0n ? 'carried to the next invoice' : 'carried from earlier invoices';
}

function closingRow({ isOpen, isInvoiced, totalCents }: BilledPeriod): Row {
  const what = isOpen ? 'total so far' : isInvoiced ? 'total' : 'no invoice';
  const amount = what === 'no invoice' && totalCents === 0n ? '' : formatCents(totalCents);
  return { what, used: '', charged: '', amount };
}

function nameOf({
  app,
  database,
  sizeTenths,
}: Pick<BilledLine, 'app' | 'database' | 'sizeTenths'>): string {
  if (database === undefined) return `app ${app}`;
  return `database ${database} of app ${app}, size ${sizeTenths! / 10}`;
}

/** Replica-size-seconds come in tenths, seconds whole. */
function quantity(what: string, units: bigint): string {
  if (what.startsWith('database')) return `${units.toLocaleString('en-US')} s`;
  return `${(Number(units) / 10).toLocaleString('en-US')} RSS`;
}

function when(second: Second): string {
  return spaced(formatSecond(second));
}

/** 2026-01-10T00:00:00Z as stories write it: 2026-01-10 00:00 */
function spaced(instant: string): string {
  return instant.replace('T', ' ').replace(/(:00)?Z$/, '');
}
