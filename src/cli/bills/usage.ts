import type { Account } from '../../accounts/account.ts';
import { requireAccount } from '../../accounts/require-account.ts';
import type { Db } from '../../database/pool.ts';
import { previewBill, type BillPreview } from '../../invoicing/previews/preview-bill.ts';
import type { Line } from '../../pricing/line.ts';
import { notConfirmedText } from '../../sources/silence/not-confirmed.ts';
import { unconfirmedOf } from '../../sources/silence/unconfirmed.ts';
import { formatSecond, toSecond } from '../../values/instant.ts';
import { formatCents } from '../../values/money.ts';
import { formatTenths, fromTenths } from '../../values/size.ts';
import { lineToJson, usageToJson } from './estimate-output.ts';
import { printJson, tableOf, type Output } from '../output.ts';
import { unconfirmedToJson } from './unconfirmed.ts';

/** `gigameter usage ACCOUNT`: what the running period has come to, not charged yet (R32). */
export async function usageCommand(
  { db, output, now }: { readonly db: Db; readonly output: Output; readonly now: Date },
  accountId: string,
  options: { readonly json?: true },
): Promise<number> {
  const account = await requireAccount(db, accountId);
  const bill = await previewBill(db, account, toSecond(now));
  const window = { from: bill.period.start, to: bill.countedTo };
  const silent = await unconfirmedOf(db, account.id, window);
  if (options.json) {
    printJson(output, { ...billToJson(account, bill), unconfirmed: unconfirmedToJson(silent) });
  } else {
    const notes = silent.map((time) => notConfirmedText(time, 'now'));
    output.data([billToText(account, bill), ...notes].join('\n'));
  }
  return 0;
}

export function billToJson(account: Account, bill: BillPreview) {
  return {
    account: account.id,
    period_start: formatSecond(bill.period.start),
    period_end: formatSecond(bill.period.end),
    counted_to: formatSecond(bill.countedTo),
    tier: bill.tier,
    usage: usageToJson(bill.usage),
    lines: bill.lines.map(lineToJson),
    total_cents: Number(bill.totalCents),
  };
}

export function billToText(account: Account, bill: BillPreview): string {
  const amounts = new Map(bill.lines.map((line) => [keyOf(line), line.amountCents]));
  const rows = [
    ...bill.usage.apps.map((row) => [
      row.app,
      'app',
      '',
      `${formatTenths(row.rssTenths)} RSS`,
      formatCents(amounts.get(keyOf({ kind: 'app', ...row })) ?? 0n),
    ]),
    ...bill.usage.databases.map((row) => [
      row.app,
      `database ${row.database}`,
      fromTenths(row.sizeTenths),
      `${row.seconds} s`,
      formatCents(amounts.get(keyOf({ kind: 'database', ...row })) ?? 0n),
    ]),
    ['total', '', '', '', formatCents(bill.totalCents)],
  ];
  const { start, end } = bill.period;
  return [
    `${account.id}  ${bill.tier}  period ${formatSecond(start)} – ${formatSecond(end)}, counted to ${formatSecond(bill.countedTo)}`,
    '',
    tableOf(
      [
        { title: 'app' },
        { title: 'resource' },
        { title: 'size', align: 'right' },
        { title: 'used', align: 'right' },
        { title: 'amount', align: 'right' },
      ],
      rows,
    ),
  ].join('\n');
}

type LineKey =
  | Pick<Extract<Line, { kind: 'app' }>, 'kind' | 'app'>
  | Pick<Extract<Line, { kind: 'database' }>, 'kind' | 'database' | 'sizeTenths'>;

function keyOf(line: LineKey): string {
  return JSON.stringify(
    line.kind === 'app' ? ['app', line.app] : ['database', line.database, line.sizeTenths],
  );
}
