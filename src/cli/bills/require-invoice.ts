import type { Db } from '../../database/pool.ts';
import { Fault } from '../../values/fault.ts';
import type { Second } from '../../values/instant.ts';
import type { Cents } from '../../values/money.ts';

export type NamedInvoice = {
  readonly accountId: string;
  readonly periodStart: Second;
  readonly periodEnd: Second;
  readonly totalCents: Cents;
  readonly state: string;
  readonly chainHead: string | undefined;
};

/** An invoice by its id alone, as people paste it. */
export async function requireInvoiceById(
  db: Db,
  invoiceId: string,
  { isVoidToo = false }: { readonly isVoidToo?: boolean } = {},
): Promise<NamedInvoice> {
  const row = await db
    .selectFrom('invoice')
    .selectAll()
    .where('invoice_id', '=', invoiceId)
    .$if(!isVoidToo, (query) => query.where('state', '<>', 'void'))
    .executeTakeFirst();
  if (row === undefined) {
    const message = `no invoice ${JSON.stringify(invoiceId)}: \`gigameter invoices ACCOUNT --json\` lists them`;
    throw new Fault('not_found', 'invoice_unknown', message);
  }
  return {
    accountId: row.account_id,
    periodStart: row.period_start,
    periodEnd: row.period_end,
    totalCents: row.total_cents,
    state: row.state,
    chainHead: row.chain_head ?? undefined,
  };
}
