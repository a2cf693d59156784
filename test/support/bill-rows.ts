import type { Usage } from '../../src/metering/usage.ts';
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
      ...period.lines.filter((line) => !isResource(line)).map(balanceRow),
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
    const isBalance = row.what.startsWith('carried') || row.what === 'credit';
    if (!isBalance) cents += BigInt(row.amount.replaceAll(/[$,.]/g, ''));
    return isBalance ? [] : [row];
  });
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

function balanceRow({ kind, amountCents }: BilledLine): Row {
  const carried =
    amountCents < 0n ? 'carried to the next invoice' : 'carried from earlier invoices';
  const what = kind === 'carried' ? carried : kind;
  return { what, used: '', charged: '', amount: formatCents(amountCents) };
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
  const tenths = units % 10n === 0n ? '' : `.${units % 10n}`;
  return `${(units / 10n).toLocaleString('en-US')}${tenths} RSS`;
}

function when(second: Second): string {
  return formatSecond(second)
    .replace('T', ' ')
    .replace(/(:00)?Z$/, '');
}
