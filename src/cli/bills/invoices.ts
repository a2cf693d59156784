import { requireAccount } from '../../accounts/require-account.ts';
import type { Db } from '../../database/pool.ts';
import { listInvoices, type IssuedInvoice } from '../../invoicing/list-invoices.ts';
import { unconfirmedOnInvoices } from '../../invoicing/unconfirmed-store.ts';
import { notConfirmedText } from '../../sources/silence/not-confirmed.ts';
import { formatSecond } from '../../values/instant.ts';
import { formatCents } from '../../values/money.ts';
import { formatTenths, fromTenths } from '../../values/size.ts';
import { printJson, tableOf, type Output } from '../output.ts';
import { unconfirmedToJson } from './unconfirmed.ts';

/** `gigameter invoices ACCOUNT`: all invoices with their lines, oldest first (R34). */
export async function invoicesCommand(
  { db, output }: { readonly db: Db; readonly output: Output },
  accountId: string,
  options: { readonly json?: true },
): Promise<number> {
  const account = await requireAccount(db, accountId);
  const invoices = await listInvoices(db, account.id);
  const silences = await unconfirmedOnInvoices(db, account.id);
  const unconfirmedOf = ({ invoiceId }: IssuedInvoice) => silences.get(invoiceId) ?? [];
  if (options.json) {
    const shown = invoices.map((invoice) => ({
      ...invoiceToJson(invoice),
      unconfirmed: unconfirmedToJson(unconfirmedOf(invoice)),
    }));
    printJson(output, { account: account.id, invoices: shown });
  } else if (invoices.length === 0) output.data(`${account.id} has no invoices.`);
  else {
    const notes = invoices.flatMap((invoice) =>
      unconfirmedOf(invoice).map((time) => {
        const note = notConfirmedText(time, 'the invoice was made');
        return `Invoice from ${formatSecond(invoice.periodStart)}: ${note}`;
      }),
    );
    output.data([invoicesToText(invoices), ...notes].join('\n'));
  }
  return 0;
}

export function invoiceToJson(invoice: IssuedInvoice) {
  return {
    invoice_id: invoice.invoiceId,
    period_start: formatSecond(invoice.periodStart),
    period_end: formatSecond(invoice.periodEnd),
    state: invoice.state,
    paid: invoice.isPaid,
    total_cents: Number(invoice.totalCents),
    lines: invoice.lines.map((line) => ({
      kind: line.kind,
      ...(line.app === undefined ? {} : { app: line.app }),
      ...(line.kind === 'app' ? { replica_size_seconds: formatTenths(line.quantity) } : {}),
      ...(line.database === undefined
        ? {}
        : {
            database: line.database,
            size: fromTenths(line.sizeTenths!),
            seconds: line.quantity.toString(),
          }),
      description: line.description,
      amount_cents: Number(line.amountCents),
    })),
  };
}

export function invoicesToText(invoices: readonly IssuedInvoice[]): string {
  const rows = invoices.flatMap((invoice) => [
    ...invoice.lines.map((line, index) => [
      index === 0 ? formatSecond(invoice.periodStart) : '',
      index === 0 ? formatSecond(invoice.periodEnd) : '',
      line.description,
      formatCents(line.amountCents),
      '',
    ]),
    [
      invoice.lines.length === 0 ? formatSecond(invoice.periodStart) : '',
      invoice.lines.length === 0 ? formatSecond(invoice.periodEnd) : '',
      'total',
      formatCents(invoice.totalCents),
      invoice.state,
    ],
  ]);
  return tableOf(
    [
      { title: 'from' },
      { title: 'to' },
      { title: 'line' },
      { title: 'amount', align: 'right' },
      { title: 'state' },
    ],
    rows,
  );
}
