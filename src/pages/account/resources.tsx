import type { VNode } from 'preact';
import { subjectKey, totalOf, type Line, type LineSubject } from '../../pricing/line.ts';
import type { Cents } from '../../values/money.ts';
import { fromTenths } from '../../values/size.ts';
import { Table } from '../html/parts.tsx';
import { Money, Name, Quantity, shortened } from '../html/text.tsx';
import type { Bill } from './load-bill.ts';
import { sumOf } from './charts/shown-series.ts';

type Row = { readonly subject: LineSubject; readonly used: bigint };

/** So that a page stays small, whatever runs. */
const MOST_ROWS = 25;

/** Every app and database of the period: what it runs now, what it used, what that comes to; the dearest of many. */
export function Resources({ bill }: { readonly bill: Bill }): VNode {
  const { soFar, forecast, rate } = bill;
  const right = { align: 'right' } as const;
  const all = rowsOf(bill);
  const isCut = all.length > MOST_ROWS;
  const shown = isCut ? all.toSorted(byAmounts(bill)).slice(0, MOST_ROWS) : all;
  const amounts = (pick: (lines: readonly Line[]) => Cents): VNode[] =>
    [soFar.lines, forecast.lines, rate.lines].map((lines) => <Money cents={pick(lines)} />);
  const rest = (lines: readonly Line[]): Cents =>
    totalOf(lines) - sumOf(shown.map(({ subject }) => amountOf(lines, subject)));
  return (
    <>
      <Table
        label="Apps and databases of this period"
        columns={[
          { title: 'App or database' },
          { title: 'Now' },
          { title: 'Usage', ...right },
          { title: 'Cost so far', ...right },
          { title: 'Forecast', ...right },
          { title: 'Run rate', ...right },
        ]}
        rows={[
          ...shown.map(({ subject, used }) => [
            <Subject subject={subject} />,
            nowOf(bill, subject),
            <Quantity kind={subject.kind} units={used} />,
            ...amounts((lines) => amountOf(lines, subject)),
          ]),
          ...(isCut ? [[`${all.length - shown.length} others`, '', '', ...amounts(rest)]] : []),
        ]}
        foot={['Total', '', '', ...amounts(totalOf)]}
        empty="Nothing ran in this period."
      />
      {all.length === 0 ? null : (
        <p class="note">
          Sizes are in GB of memory. RSS are replica-size-seconds: replicas × size × seconds.
        </p>
      )}
    </>
  );
}

/** By what they will cost; where all is free, by what they used. */
function byAmounts({ forecast }: Bill): (a: Row, b: Row) => number {
  const cents = new Map(forecast.lines.map((line) => [subjectKey(line), line.amountCents]));
  const of = ({ subject }: Row): Cents => cents.get(subjectKey(subject)) ?? 0n;
  return (a, b) => Number(of(b) - of(a)) || Number(b.used - a.used);
}

function Subject({ subject }: { readonly subject: LineSubject }): VNode {
  if (subject.kind === 'app') return <Name>{subject.app}</Name>;
  return (
    <>
      <Name>{subject.database}</Name>{' '}
      <span class="note">
        database of size {fromTenths(subject.sizeTenths)}, of app{' '}
        <Name>{shortened(subject.app)}</Name>
      </span>
    </>
  );
}

/** What was used so far, and what began this very second. */
function rowsOf({ soFar: { usage }, levels }: Bill): Row[] {
  const used: Row[] = [
    ...usage.apps.map(({ app, rssTenths }) => ({
      subject: { kind: 'app', app } as const,
      used: rssTenths,
    })),
    ...usage.databases.map(({ seconds, ...database }) => ({
      subject: { kind: 'database', ...database } as const,
      used: seconds,
    })),
  ];
  const known = new Set(used.map(({ subject }) => subjectKey(subject)));
  const fresh = [
    ...levels.apps.map(({ app }) => ({ kind: 'app', app }) as const),
    ...levels.databases.map((database) => ({ kind: 'database', ...database }) as const),
  ].filter((subject) => !known.has(subjectKey(subject)));
  return [...used, ...fresh.map((subject) => ({ subject, used: 0n }))];
}

function nowOf({ desired, levels }: Bill, subject: LineSubject): VNode | string {
  if (subject.kind === 'database') {
    const key = subjectKey(subject);
    const runs = levels.databases.some((one) => subjectKey({ kind: 'database', ...one }) === key);
    return runs ? 'available' : <span class="note">gone</span>;
  }
  const app = desired.apps.find((one) => one.app === subject.app);
  if (app === undefined) return <span class="note">deleted</span>;
  return `${app.replicas} × ${fromTenths(app.sizeTenths)}`;
}

function amountOf(lines: readonly Line[], subject: LineSubject): Cents {
  const key = subjectKey(subject);
  return lines.find((line) => subjectKey(line) === key)?.amountCents ?? 0n;
}
