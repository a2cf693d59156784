import type { Db } from '../../database/pool.ts';
import { Fault } from '../../values/fault.ts';
import type { Clock } from '../../values/clock.ts';
import { lockInvoice, updateInvoice, type InvoiceName } from './invoice-store.ts';

/**
 * An operator's command: lets an invoice that was stopped go on, once what stopped it is mended. A call
 * that Stripe refused is then made anew, all others go on where they were; the content is verified again.
 *
 * @throws Fault `invoice_unknown`, and `invoice_not_stopped` for one that waits for no operator.
 */
export async function resumeInvoice(
  { db, clock }: { readonly db: Db; readonly clock: Clock },
  name: InvoiceName,
): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const row = await lockInvoice(tx, name);
    if (row === undefined) {
      throw new Fault('not_found', 'invoice_unknown', `there is no invoice ${name.invoiceId}`);
    }
    if (row.state !== 'needs_operator') {
      throw new Fault(
        'conflict',
        'invoice_not_stopped',
        `the invoice is ${row.state}, it needs no help`,
      );
    }
    const hasDraft = row.stripe_invoice_id !== null;
    await updateInvoice(tx, name)
      .set({
        state: hasDraft ? 'drafted' : 'frozen',
        state_reason: null,
        next_attempt_at: clock(),
      })
      .execute();
  });
}
