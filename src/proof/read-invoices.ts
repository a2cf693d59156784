import { sql } from 'kysely';
import type { Db } from '../database/pool.ts';
import type { BalanceLine } from '../invoicing/compose-invoice.ts';
import { isLatestRevision } from '../invoicing/latest-revision.ts';
import type { LineSubject } from '../pricing/line.ts';
import { groupBy } from '../values/group.ts';
import type { Second } from '../values/instant.ts';
import type { Cents } from '../values/money.ts';

/** An invoice as it was frozen, with what its computation rested on. */
export type FrozenInvoice = {
  readonly invoiceId: string;
  readonly periodStart: Second;
  /** The last batch of events that was known. */
  readonly recording: bigint;
  readonly totalCents: Cents;
  readonly linesSha256: string;
  readonly chainHead: string | null;
  readonly lines: readonly FrozenLine[];
};

export type FrozenLine = {
  readonly kind: 'app' | 'database' | 'adjustment' | BalanceLine['kind'];
  /** Undefined for lines that move balances. */
  readonly subject: LineSubject | undefined;
  readonly adjustsPeriodStart: Second | null;
  readonly quantity: bigint;
  readonly description: string;
  readonly amountCents: Cents;
};

/** All invoices of an account that count as billed, voided ones too, in the order in which they were computed. */
export async function readFrozenInvoices(db: Db, account: string): Promise<FrozenInvoice[]> {
  const invoices = await db
    .selectFrom('invoice')
    .selectAll()
    .where('account_id', '=', account)
    .where(isLatestRevision('invoice'))
    .orderBy('recording')
    .execute();
  const { rows } = await sql<LineRow>`
    select invoice_id, kind, app, database, size_tenths, adjusts_period_start, quantity, description,
      amount_cents
    from invoice_line where account_id = ${account} order by invoice_id, line_number`.execute(db);
  const lines = groupBy(rows, (row) => row.invoice_id);
  return invoices.map((invoice) => ({
    invoiceId: invoice.invoice_id,
    periodStart: invoice.period_start,
    recording: invoice.recording,
    totalCents: invoice.total_cents,
    linesSha256: invoice.lines_sha256,
    chainHead: invoice.chain_head,
    lines: (lines.get(invoice.invoice_id) ?? []).map(toLine),
  }));
}

type LineRow = {
  readonly invoice_id: string;
  readonly kind: FrozenLine['kind'];
  readonly app: string | null;
  readonly database: string | null;
  readonly size_tenths: number | null;
  readonly adjusts_period_start: Second | null;
  readonly quantity: bigint;
  readonly description: string;
  readonly amount_cents: Cents;
};

function toLine(row: LineRow): FrozenLine {
  const { kind, quantity, description, amount_cents: amountCents } = row;
  return {
    kind,
    subject: subjectOf(row),
    adjustsPeriodStart: row.adjusts_period_start,
    quantity,
    description,
    amountCents,
  };
}

function subjectOf({ app, database, size_tenths }: LineRow): LineSubject | undefined {
  if (app === null) return undefined;
  return database === null
    ? { kind: 'app', app }
    : { kind: 'database', app, database, sizeTenths: size_tenths! };
}
