import { sql } from 'kysely';
import { tierOfPeriodEnding } from '../accounts/account.ts';
import { numberArray, textArray } from '../database/arrays.ts';
import { copyInto, copyLine } from '../database/copy.ts';
import type { Db } from '../database/pool.ts';
import { addEntries } from '../ledger/store.ts';
import type { BilledPeriod } from './bill-periods.ts';
import { linesSha256, type ComposedInvoice, type InvoiceLine } from './compose-invoice.ts';
import type { DuePeriod } from './due-period.ts';
import { saveUnconfirmed } from './unconfirmed-store.ts';

/** Stripe charges no more at once; such an invoice is a mistake until an operator says otherwise. */
const MAX_INVOICE_CENTS = 99_999_999n;

/** Writes closed periods, their invoices and ledger entries, and when each account is due next. */
export async function saveClosed(
  tx: Db,
  now: Date,
  closed: readonly BilledPeriod[],
): Promise<void> {
  if (closed.length === 0) return;
  await savePeriods(tx, now, closed);
  const invoiced = closed.filter(isInvoiced);
  if (invoiced.length === 0) return;
  await saveInvoices(tx, now, invoiced);
  await saveLines(tx, invoiced);
  await saveUnconfirmed(
    tx,
    invoiced.map(({ account, invoice: { invoiceId }, start, end }) => {
      return { accountId: account.id, invoiceId, start, end };
    }),
  );
  await addEntries(
    tx,
    now,
    invoiced.flatMap(({ invoice }) => invoice.ledgerEntries),
  );
}

async function savePeriods(tx: Db, now: Date, closed: readonly BilledPeriod[]): Promise<void> {
  const closedAt = now.toISOString();
  await copyInto(
    tx,
    'billing_period (account_id, start_at, end_at, tier, closed_at)',
    closed.map(({ account, start, end }) =>
      copyLine([account.id, start, end, tierOfPeriodEnding(account, end), closedAt]),
    ),
  );
  await sql`
    /* prepare note_closed */
    update account set next_close_at = closed.next_close_at, late_since = null,
      last_cut_at = greatest(last_cut_at, closed.end_at)
    from unnest(
      ${textArray(closed.map(({ account }) => account.id))}::text[],
      ${numberArray(closed.map(({ end }) => end))}::bigint[],
      ${numberArray(closed.map(({ nextCloseAt }) => nextCloseAt ?? null))}::bigint[]
    ) as closed (account_id, end_at, next_close_at)
    where account.account_id = closed.account_id`.execute(tx);
}

type InvoicedPeriod = DuePeriod & { readonly invoice: ComposedInvoice };

function isInvoiced(period: BilledPeriod): period is InvoicedPeriod {
  return period.invoice !== undefined;
}

async function saveInvoices(tx: Db, now: Date, invoiced: readonly InvoicedPeriod[]): Promise<void> {
  const createdAt = now.toISOString();
  await copyInto(
    tx,
    `invoice (account_id, invoice_id, period_start, period_end, total_cents, lines_sha256, state,
      created_at, paid_at)`,
    invoiced.map(({ account, start, end, invoice }) => {
      const state = stateOf(invoice);
      return copyLine([
        account.id,
        invoice.invoiceId,
        start,
        end,
        invoice.totalCents,
        linesSha256(invoice.lines),
        state,
        createdAt,
        state === 'settled' ? createdAt : null,
      ]);
    }),
  );
}

function stateOf({ totalCents }: ComposedInvoice): 'settled' | 'frozen' | 'needs_operator' {
  if (totalCents === 0n) return 'settled';
  return totalCents > MAX_INVOICE_CENTS ? 'needs_operator' : 'frozen';
}

async function saveLines(tx: Db, invoiced: readonly InvoicedPeriod[]): Promise<void> {
  await copyInto(
    tx,
    `invoice_line (account_id, invoice_id, line_number, kind, description, amount_cents,
      app, database, size_tenths, quantity, adjusts_period_start)`,
    invoiced.flatMap(({ account, invoice }) =>
      invoice.lines.map((line, index) =>
        copyLine([
          account.id,
          invoice.invoiceId,
          index + 1,
          line.kind,
          line.description,
          line.amountCents,
          ...columnsOf(line),
        ]),
      ),
    ),
  );
}

/** What the line is about: app, database, size_tenths, quantity, adjusts_period_start. */
function columnsOf(line: InvoiceLine): (string | number | bigint | null)[] {
  switch (line.kind) {
    case 'app':
      return [line.app, null, null, line.rssTenths, null];
    case 'database':
      return [line.app, line.database, line.sizeTenths, line.seconds, null];
    case 'adjustment': {
      const { subject, quantity, periodStart } = line;
      return subject.kind === 'app'
        ? [subject.app, null, null, quantity, periodStart]
        : [subject.app, subject.database, subject.sizeTenths, quantity, periodStart];
    }
    case 'carried':
    case 'written_off':
    case 'credit':
      return [null, null, null, 0n, null];
  }
}
