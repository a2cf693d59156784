import type { Selectable } from 'kysely';
import type { Db } from '../../database/pool.ts';
import type { Invoice, InvoiceLine } from '../../database/tables.ts';

export type InvoiceRow = Selectable<Invoice>;
export type LineRow = Selectable<InvoiceLine>;

export type InvoiceName = { readonly accountId: string; readonly invoiceId: string };

/** States in which we still have something to do at Stripe before the invoice can be collected. */
export const UNFINISHED = ['frozen', 'drafted', 'filled', 'verified', 'finalizing'] as const;

export async function findInvoice(db: Db, name: InvoiceName): Promise<InvoiceRow | undefined> {
  return await invoiceQuery(db, name).executeTakeFirst();
}

/** Holds the row until the transaction ends. */
export async function lockInvoice(tx: Db, name: InvoiceName): Promise<InvoiceRow | undefined> {
  return await invoiceQuery(tx, name).forUpdate().executeTakeFirst();
}

function invoiceQuery(db: Db, { accountId, invoiceId }: InvoiceName) {
  return db
    .selectFrom('invoice')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('invoice_id', '=', invoiceId);
}

export async function findLines(db: Db, { accountId, invoiceId }: InvoiceName): Promise<LineRow[]> {
  return await db
    .selectFrom('invoice_line')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('invoice_id', '=', invoiceId)
    .orderBy('line_number')
    .execute();
}

export function updateInvoice(tx: Db, { accountId, invoiceId }: InvoiceName) {
  return tx
    .updateTable('invoice')
    .where('account_id', '=', accountId)
    .where('invoice_id', '=', invoiceId);
}

/** Stops all work on an invoice until an operator has looked. Money already taken stays booked. */
export async function parkInvoice(tx: Db, name: InvoiceName, reason: string): Promise<void> {
  await updateInvoice(tx, name)
    .set({ state: 'needs_operator', state_reason: reason, next_attempt_at: null })
    .where('state', 'not in', ['paid', 'void', 'settled'])
    .execute();
}

export function nameOf(row: InvoiceRow): InvoiceName {
  return { accountId: row.account_id, invoiceId: row.invoice_id };
}
