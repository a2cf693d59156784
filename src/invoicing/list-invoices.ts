import type { Db } from '../database/pool.ts';
import { groupBy } from '../values/group.ts';
import type { Second } from '../values/instant.ts';
import type { Cents } from '../values/money.ts';

export type IssuedInvoice = {
  readonly invoiceId: string;
  readonly periodStart: Second;
  readonly periodEnd: Second;
  readonly state: string;
  readonly isPaid: boolean;
  readonly totalCents: Cents;
  readonly lines: readonly IssuedLine[];
};

export type IssuedLine = {
  readonly kind: string;
  readonly app: string | undefined;
  readonly database: string | undefined;
  readonly sizeTenths: number | undefined;
  /** Tenths of replica-size-seconds for apps, seconds for databases. */
  readonly quantity: bigint;
  readonly description: string;
  readonly amountCents: Cents;
};

/** An account's invoices with their lines, oldest first (R34). Voided ones are left out. */
export async function listInvoices(db: Db, accountId: string): Promise<IssuedInvoice[]> {
  const invoices = await db
    .selectFrom('invoice')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('state', '<>', 'void')
    .orderBy('period_start')
    .execute();
  const lines = await db
    .selectFrom('invoice_line')
    .selectAll()
    .where('account_id', '=', accountId)
    .orderBy('line_number')
    .execute();
  const byInvoice = groupBy(lines, (line) => line.invoice_id);
  return invoices.map((invoice) => ({
    invoiceId: invoice.invoice_id,
    periodStart: invoice.period_start,
    periodEnd: invoice.period_end,
    state: invoice.state,
    isPaid: invoice.state === 'paid' || invoice.state === 'settled',
    totalCents: invoice.total_cents,
    lines: (byInvoice.get(invoice.invoice_id) ?? []).map((line) => ({
      kind: line.kind,
      app: line.app ?? undefined,
      database: line.database ?? undefined,
      sizeTenths: line.size_tenths ?? undefined,
      quantity: line.quantity,
      description: line.description,
      amountCents: line.amount_cents,
    })),
  }));
}
