import type { Selectable } from 'kysely';
import type { Db } from '../database/pool.ts';
import type { Invoice, InvoiceLine } from '../database/tables.ts';
import { cursorUnknown } from '../values/fault.ts';
import type { Second } from '../values/instant.ts';
import type { Cents } from '../values/money.ts';
import type { IssuedLine } from './list-invoices.ts';

/** An invoice without its lines. */
export type InvoiceHead = {
  readonly invoiceId: string;
  readonly periodStart: Second;
  readonly periodEnd: Second;
  readonly state: string;
  readonly isPaid: boolean;
  readonly totalCents: Cents;
  readonly createdAt: Date;
  readonly paidAt: Date | undefined;
  readonly hostedUrl: string | undefined;
  readonly pdfUrl: string | undefined;
};

export type NumberedLine = IssuedLine & {
  readonly lineNumber: number;
  /** Of a correction: the period it corrects. */
  readonly adjustsPeriodStart: Second | undefined;
};

/**
 * A page of an account's invoices, oldest first (R34), voided ones left out; `after` is the invoice the page
 * before ended with.
 *
 * @throws Fault `cursor_unknown` when there is no such invoice.
 */
export async function pageInvoices(
  db: Db,
  accountId: string,
  { after, limit }: { readonly after: string | undefined; readonly limit: number },
): Promise<InvoiceHead[]> {
  let query = db
    .selectFrom('invoice')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('state', '<>', 'void')
    .orderBy('period_start')
    .limit(limit);
  if (after !== undefined) {
    const last = await findInvoice(db, accountId, after);
    if (last === undefined) throw cursorUnknown(after);
    query = query.where('period_start', '>', last.periodStart);
  }
  return (await query.execute()).map(toHead);
}

/** Some invoices of an account, the latest first; `isLast` when there are no earlier ones. */
export type InvoicePage = { readonly invoices: readonly InvoiceHead[]; readonly isLast: boolean };

/** The latest invoices of an account whose periods began before an instant, voided ones left out. */
export async function latestInvoices(
  db: Db,
  accountId: string,
  { before, limit }: { readonly before: Second | undefined; readonly limit: number },
): Promise<InvoicePage> {
  let query = db
    .selectFrom('invoice')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('state', '<>', 'void')
    .orderBy('period_start', 'desc')
    .limit(limit + 1);
  if (before !== undefined) query = query.where('period_start', '<', before);
  const rows = await query.execute();
  return { invoices: rows.slice(0, limit).map(toHead), isLast: rows.length <= limit };
}

export async function findInvoice(
  db: Db,
  accountId: string,
  invoiceId: string,
): Promise<InvoiceHead | undefined> {
  const row = await db
    .selectFrom('invoice')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('invoice_id', '=', invoiceId)
    .executeTakeFirst();
  return row === undefined ? undefined : toHead(row);
}

export async function linesOf(
  db: Db,
  accountId: string,
  invoiceId: string,
): Promise<NumberedLine[]> {
  const rows = await db
    .selectFrom('invoice_line')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('invoice_id', '=', invoiceId)
    .orderBy('line_number')
    .execute();
  return rows.map(toLine);
}

export function toHead(row: Selectable<Invoice>): InvoiceHead {
  return {
    invoiceId: row.invoice_id,
    periodStart: row.period_start,
    periodEnd: row.period_end,
    state: row.state,
    isPaid: row.state === 'paid' || row.state === 'settled',
    totalCents: row.total_cents,
    createdAt: row.created_at,
    paidAt: row.paid_at ?? undefined,
    hostedUrl: row.hosted_url ?? undefined,
    pdfUrl: row.pdf_url ?? undefined,
  };
}

function toLine(row: Selectable<InvoiceLine>): NumberedLine {
  return {
    lineNumber: row.line_number,
    adjustsPeriodStart: row.adjusts_period_start ?? undefined,
    kind: row.kind,
    app: row.app ?? undefined,
    database: row.database ?? undefined,
    sizeTenths: row.size_tenths ?? undefined,
    quantity: row.quantity,
    description: row.description,
    amountCents: row.amount_cents,
  };
}
