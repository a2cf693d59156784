import { lockAccounts } from '../../accounts/lock.ts';
import type { Db } from '../../database/pool.ts';
import { invoiceIdOf } from '../../invoicing/compose-invoice.ts';
import { copyUnconfirmed } from '../../invoicing/unconfirmed-store.ts';
import type { Clock } from '../../values/clock.ts';
import { Fault } from '../../values/fault.ts';
import { resolveDrift } from '../drift.ts';
import { findLines, lockInvoice, type InvoiceName, type InvoiceRow } from './invoice-store.ts';

/**
 * An operator's command: asks again for what a voided invoice asked for, by its next revision: the same
 * lines under another id, and with it other keys at Stripe. The balances that the voided one moved, such as
 * credit, count for its successor, as do corrections of its period on later invoices. Answers the
 * successor's name.
 *
 * @throws Fault `invoice_unknown`, `invoice_not_void`, `period_billed` when its period has been billed
 *   again already.
 */
export async function reissueInvoice(
  { db, clock }: { readonly db: Db; readonly clock: Clock },
  name: InvoiceName,
): Promise<InvoiceName> {
  return await db.transaction().execute(async (tx) => {
    // What a close holds, too: it corrects periods by what was billed for them.
    await lockAccounts(tx, [name.accountId]);
    const row = await lockInvoice(tx, name);
    if (row === undefined) {
      throw new Fault('not_found', 'invoice_unknown', `there is no invoice ${name.invoiceId}`);
    }
    if (row.state !== 'void') {
      const message = `the invoice is ${row.state}: only a voided one can be asked for again`;
      throw new Fault('conflict', 'invoice_not_void', message);
    }
    const billedBy = await findBilling(tx, row);
    if (billedBy !== undefined) {
      const message = `its period has been billed again by the invoice ${billedBy}`;
      throw new Fault('conflict', 'period_billed', message);
    }
    return await insertSuccessor(tx, clock(), row);
  });
}

/** The invoice of the period that is not void. */
async function findBilling(
  tx: Db,
  { account_id: accountId, period_start: periodStart }: InvoiceRow,
): Promise<string | undefined> {
  const found = await tx
    .selectFrom('invoice')
    .select('invoice_id')
    .where('account_id', '=', accountId)
    .where('period_start', '=', periodStart)
    .where('state', '<>', 'void')
    .executeTakeFirst();
  return found?.invoice_id;
}

async function insertSuccessor(tx: Db, now: Date, row: InvoiceRow): Promise<InvoiceName> {
  const { account_id: accountId, invoice_id: voidedId, period_start: periodStart } = row;
  const { latest } = await tx
    .selectFrom('invoice')
    .select((column) => column.fn.max('revision').as('latest'))
    .where('account_id', '=', accountId)
    .where('period_start', '=', periodStart)
    .executeTakeFirstOrThrow();
  const revision = latest + 1;
  const invoiceId = invoiceIdOf(accountId, periodStart, revision);
  const lines = await findLines(tx, { accountId, invoiceId: voidedId });
  await tx
    .insertInto('invoice')
    .values({
      ...row,
      invoice_id: invoiceId,
      revision,
      state: 'frozen',
      state_reason: null,
      created_at: now,
      finalized_at: null,
      next_attempt_at: null,
      stripe_invoice_id: null,
      stripe_number: null,
      hosted_url: null,
      pdf_url: null,
    })
    .execute();
  await tx
    .insertInto('invoice_line')
    .values(lines.map((line) => ({ ...line, invoice_id: invoiceId })))
    .execute();
  await copyUnconfirmed(tx, accountId, { from: voidedId, to: invoiceId });
  const driftId = `invoice_void:${voidedId}`;
  await resolveDrift(tx, now, { accountId, driftId }, `asked for again by ${invoiceId}`);
  return { accountId, invoiceId };
}
