import type { Account } from '../accounts/account.ts';
import { findAccount } from '../accounts/store.ts';
import { invoicesToText, invoiceToJson } from '../cli/bills/invoices.ts';
import { tableOf } from '../cli/output.ts';
import { billToJson, billToText } from '../cli/bills/usage.ts';
import type { Db } from '../database/pool.ts';
import { listInvoices, type IssuedInvoice } from '../invoicing/list-invoices.ts';
import { previewBill, type BillPreview } from '../invoicing/previews/preview-bill.ts';
import { totalOf } from '../pricing/line.ts';
import { assert } from '../values/fault.ts';
import { toSecond } from '../values/instant.ts';
import { formatCents } from '../values/money.ts';
import type { SampleAccount } from './sample-platform.ts';
import { troubleToJson } from './trouble.ts';

type Shown = {
  readonly about: string;
  readonly account: Account;
  readonly bill: BillPreview;
  readonly invoices: readonly IssuedInvoice[];
};

/** What became of every account: its running period and its invoices; and what needs an operator. */
export async function demoToJson(db: Db, accounts: readonly SampleAccount[], now: Date) {
  const shown = await load(db, accounts, now);
  return {
    accounts: shown.map(({ account, about, bill, invoices }) => ({
      ...billToJson(account, bill),
      about,
      invoices: invoices.map(invoiceToJson),
    })),
    trouble: await troubleToJson(db, now),
  };
}

export async function demoToText(
  db: Db,
  accounts: readonly SampleAccount[],
  now: Date,
): Promise<string> {
  const shown = await load(db, accounts, now);
  return [
    '\nINVOICES\n',
    ...shown.flatMap(({ account, about, invoices }) =>
      invoices.length === 0 ? [] : [`${account.id} (${about})\n`, invoicesToText(invoices), ''],
    ),
    'USAGE OF THE RUNNING PERIODS\n',
    ...shown.flatMap(({ account, bill }) =>
      account.deletedAt === undefined ? [billToText(account, bill), ''] : [],
    ),
    'OVERVIEW\n',
    overview(shown),
  ].join('\n');
}

function overview(shown: readonly Shown[]): string {
  return tableOf(
    [
      { title: 'account' },
      { title: 'tier' },
      { title: 'invoices', align: 'right' },
      { title: 'paid', align: 'right' },
      { title: 'unpaid', align: 'right' },
      { title: 'this period so far', align: 'right' },
      { title: '' },
    ],
    shown.map(({ account, about, bill, invoices }) => {
      const paid = invoices.filter(({ isPaid }) => isPaid);
      const unpaid = invoices.filter(({ isPaid }) => !isPaid);
      return [
        account.id,
        bill.tier,
        invoices.length,
        formatCents(sumOf(paid)),
        formatCents(sumOf(unpaid)),
        account.deletedAt === undefined ? formatCents(bill.totalCents) : '',
        about,
      ];
    }),
  );
}

function sumOf(invoices: readonly IssuedInvoice[]): bigint {
  return totalOf(invoices.map(({ totalCents }) => ({ amountCents: totalCents })));
}

async function load(db: Db, accounts: readonly SampleAccount[], now: Date): Promise<Shown[]> {
  const shown: Shown[] = [];
  for (const { id, about } of accounts) {
    const account = await findAccount(db, id);
    assert(account !== undefined, `the sample account ${id} was recorded`);
    shown.push({
      about,
      account,
      bill: await previewBill(db, account, toSecond(now)),
      invoices: await listInvoices(db, id),
    });
  }
  return shown;
}
