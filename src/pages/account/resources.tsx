import type { VNode } from 'preact';
import { subjectKey, totalOf, type Line, type LineSubject } from '../../pricing/line.ts';
import type { Cents } from '../../values/money.ts';
import { fromTenths } from '../../values/size.ts';
import { Table } from '../html/parts.tsx';
import { Money, Name, Quantity } from '../html/text.tsx';
import type { Bill } from './load-bill.ts';

type Row = { readonly subject: LineSubject; readonly used: bigint };

/** Every app and database of the period: what it runs now, what it used, what that comes to. */
export function Resources({ bill }: { readonly bill: Bill }): VNode {
  const { soFar, forecast, rate } = bill;
  const right = { align: 'right' } as const;
  return (
    <Table
      label="Apps and databases of this period"
      columns={[
        { title: 'App or database' },
        { title: 'Now' },
        { title: 'Used so far', ...right },
        { title: 'So far', ...right },
        { title: 'Forecast', ...right },
        { title: 'Run rate', ...right },
      ]}
      rows={rowsOf(bill).map(({ subject, used }) => [
        <Subject subject={subject} />,
        nowOf(bill, subject),
        <Quantity kind={subject.kind} units={used} />,
        <Money cents={amountOf(soFar.lines, subject)} />,
        <Money cents={amountOf(forecast.lines, subject)} />,
        <Money cents={amountOf(rate.lines, subject)} />,
      ])}
      foot={[
        'Total',
        '',
        '',
        <Money cents={totalOf(soFar.lines)} />,
        <Money cents={totalOf(forecast.lines)} />,
        <Money cents={totalOf(rate.lines)} />,
      ]}
      empty="Nothing ran in this period."
    />
  );
}

function Subject({ subject }: { readonly subject: LineSubject }): VNode {
  if (subject.kind === 'app') return <Name>{subject.app}</Name>;
  return (
    <>
      <Name>{subject.database}</Name>{' '}
      <span class="note">
        database {fromTenths(subject.sizeTenths)} of <Name>{subject.app}</Name>
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
