import type { EstimatedAccount, EstimatedPeriod } from '../../invoicing/previews/estimate.ts';
import type { Usage } from '../../metering/usage/usage.ts';
import type { Line } from '../../pricing/line.ts';
import { formatSecond } from '../../values/instant.ts';
import { formatCents } from '../../values/money.ts';
import { formatTenths, fromTenths } from '../../values/size.ts';
import { tableOf } from '../output.ts';

/** The document of `estimate --json`; totals of units are strings, amounts whole cents. */
export function estimateToJson(accounts: readonly EstimatedAccount[]) {
  return {
    accounts: accounts.map(({ account, signedUpAt, periods }) => ({
      account,
      signed_up_at: formatSecond(signedUpAt),
      periods: periods.map((period) => ({
        start: formatSecond(period.start),
        end: formatSecond(period.end),
        tier: period.tier,
        usage: usageToJson(period.usage),
        lines: period.lines.map(lineToJson),
        total_cents: Number(period.totalCents),
        ...(period.isOpen ? { open: true } : {}),
      })),
    })),
  };
}

/** Rows of usage: an app's replica-size-seconds, a database's seconds at one size. */
export function usageToJson(usage: Usage) {
  return [
    ...usage.apps.map(({ app, rssTenths }) => ({
      app,
      replica_size_seconds: formatTenths(rssTenths),
    })),
    ...usage.databases.map(({ app, database, sizeTenths, seconds }) => ({
      app,
      database,
      size: fromTenths(sizeTenths),
      seconds: seconds.toString(),
    })),
  ];
}

export function lineToJson(line: Line) {
  return {
    app: line.app,
    ...(line.kind === 'database' ? { database: line.database } : {}),
    description: line.description,
    amount_cents: Number(line.amountCents),
  };
}

/** The same for people: a table of lines per account and period. */
export function estimateToText(accounts: readonly EstimatedAccount[]): string {
  if (accounts.length === 0) return 'No accounts in this file.';
  return accounts.map(accountToText).join('\n\n');
}

function accountToText({ account, signedUpAt, periods }: EstimatedAccount): string {
  const head = `${account}, signed up ${formatSecond(signedUpAt)}`;
  return [head, ...periods.map(periodToText)].join('\n\n');
}

function periodToText(period: EstimatedPeriod): string {
  const { start, end, tier, isOpen, totalCents } = period;
  const head = `${formatSecond(start)} – ${formatSecond(end)}  ${tier}${isOpen ? ', open: so far' : ''}`;
  const rows = [
    ...usageToJson(period.usage).map((row) =>
      'database' in row
        ? [`database ${row.database} (${row.app})`, `${row.seconds} s`, `size ${row.size}`, '']
        : [`app ${row.app}`, `${row.replica_size_seconds} RSS`, '', ''],
    ),
    ...period.lines.map((line) => ['', '', line.description, formatCents(line.amountCents)]),
    ['total', '', '', formatCents(totalCents)],
  ];
  const table = tableOf(
    [
      { title: 'used' },
      { title: 'quantity', align: 'right' },
      { title: 'charged' },
      { title: 'amount', align: 'right' },
    ],
    rows,
  );
  return `${head}\n${table.replaceAll(/^/gm, '  ')}`;
}
