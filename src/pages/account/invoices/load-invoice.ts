import { sql, type Selectable } from 'kysely';
import type { Account } from '../../../accounts/account.ts';
import { toAccount, type AccountRow } from '../../../accounts/store.ts';
import type { Db } from '../../../database/pool.ts';
import type { Invoice as InvoiceTable } from '../../../database/tables.ts';
import { explainLine } from '../../../invoicing/explaining/explain-line.ts';
import {
  linesOf,
  toHead,
  type InvoiceHead,
  type NumberedLine,
} from '../../../invoicing/page-invoices.ts';
import type { ExplainedSegments } from '../../../invoicing/explaining/price-segments.ts';
import { unconfirmedOn } from '../../../invoicing/unconfirmed-store.ts';
import { toUnconfirmed, type Unconfirmed } from '../../../sources/silence/unconfirmed.ts';
import type { Cents } from '../../../values/money.ts';
import { unknownPage } from '../../session/guard.ts';

/** An attempt to collect an invoice, or money that was given back of it. */
export type Payment = {
  readonly at: Date;
  readonly kind: 'payment' | 'refund';
  readonly state: string;
  /** What the processor said of an attempt that failed. */
  readonly message: string | null;
  /** Negative for a refund. */
  readonly cents: Cents;
};

export type ShownInvoice = {
  readonly account: Account;
  readonly invoice: InvoiceHead;
  /** When it is tried again by itself; of an open invoice. */
  readonly nextAttemptAt: Date | undefined;
  /** The earliest first. */
  readonly payments: readonly Payment[];
  readonly lines: readonly NumberedLine[];
  readonly unconfirmed: readonly Unconfirmed[];
  /** Of the line somebody asked about. */
  readonly explained: (ExplainedSegments & { readonly line: NumberedLine }) | undefined;
};

/** @throws Fault `page_unknown` when the account has no such invoice. */
export async function loadInvoice(
  db: Db,
  accountId: string,
  invoiceId: string,
  lineNumber: number | undefined,
): Promise<ShownInvoice> {
  const head = await readInvoice(db, accountId, invoiceId);
  const lines = await linesOf(db, accountId, invoiceId);
  const line = lines.find((one) => one.lineNumber === lineNumber);
  const explained =
    line !== undefined && hasSegments(line)
      ? { ...(await explainLine(db, head.account, invoiceId, line)), line }
      : undefined;
  return { ...head, lines, explained };
}

export function hasSegments({ kind }: NumberedLine): boolean {
  return kind === 'app' || kind === 'database' || kind === 'adjustment';
}

/** An invoice with whom it is for, how it was paid, and what was not confirmed in its period. */
async function readInvoice(
  db: Db,
  accountId: string,
  invoiceId: string,
): Promise<Omit<ShownInvoice, 'lines' | 'explained'>> {
  const { rows } = await sql<Row>`/* prepare read_invoice */
    select invoice.*, account.email, account.signed_up_at, account.confirmed_at, account.upgraded_at,
      account.deleted_at,
      ${unconfirmedOn(accountId, sql`${invoiceId}`)} as unconfirmed,
      array(
        select json_build_object('at', at, 'kind', kind, 'state', state, 'message', message,
          'cents', cents::text)
        from (
          select coalesce(ended_at, started_at) as at, 'payment' as kind, state,
            coalesce(message, decline_code, error_code) as message, invoice.total_cents as cents
          from payment_attempt where account_id = ${accountId} and invoice_id = ${invoiceId}
          union all
          select created_at, 'refund', state, null, -amount_cents
          from refund where account_id = ${accountId} and invoice_id = ${invoiceId}
        ) payment order by at) as payments
    from invoice join account on account.account_id = invoice.account_id
    where invoice.account_id = ${accountId} and invoice.invoice_id = ${invoiceId}`.execute(db);
  const [row] = rows;
  if (row === undefined) throw unknownPage();
  return {
    account: toAccount(row),
    invoice: toHead(row),
    nextAttemptAt: (row.state === 'open' && row.next_attempt_at) || undefined,
    payments: row.payments.map(({ at, cents, ...payment }) => ({
      ...payment,
      at: new Date(at),
      cents: BigInt(cents),
    })),
    unconfirmed: toUnconfirmed(row.unconfirmed),
  };
}

type Row = AccountRow &
  Selectable<InvoiceTable> & {
    readonly unconfirmed: Parameters<typeof toUnconfirmed>[0];
    readonly payments: readonly (Omit<Payment, 'at' | 'cents'> & {
      readonly at: string;
      readonly cents: string;
    })[];
  };
