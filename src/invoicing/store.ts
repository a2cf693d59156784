import { sql } from 'kysely';
import { tierOfPeriodEnding } from '../accounts/account.ts';
import { numberArray, textArray } from '../database/arrays.ts';
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
  const invoiced = closed.flatMap(({ invoice, ...period }) =>
    invoice === undefined ? [] : [{ ...period, invoice }],
  );
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
  await sql`
    with closed as (
      select * from unnest(
        ${textArray(closed.map(({ account }) => account.id))}::text[],
        ${numberArray(closed.map(({ start }) => start))}::bigint[],
        ${numberArray(closed.map(({ end }) => end))}::bigint[],
        ${textArray(closed.map(({ account, end }) => tierOfPeriodEnding(account, end)))}::text[],
        ${numberArray(closed.map(({ nextCloseAt }) => nextCloseAt ?? null))}::bigint[]
      ) as closed (account_id, start_at, end_at, tier, next_close_at)
    ),
    kept as (
      insert into billing_period (account_id, start_at, end_at, tier, closed_at)
      select account_id, start_at, end_at, tier, ${now}::timestamptz from closed
    )
    update account set next_close_at = closed.next_close_at, late_since = null
    from closed where account.account_id = closed.account_id`.execute(tx);
}

type InvoicedPeriod = DuePeriod & { readonly invoice: ComposedInvoice };

async function saveInvoices(tx: Db, now: Date, invoiced: readonly InvoicedPeriod[]): Promise<void> {
  const states = invoiced.map(({ invoice }) => stateOf(invoice));
  await sql`
    insert into invoice (account_id, invoice_id, period_start, period_end, total_cents, lines_sha256,
      state, created_at, paid_at)
    select account_id, invoice_id, period_start, period_end, total_cents, lines_sha256, state,
      ${now}::timestamptz,
      case when state = 'settled' then ${now}::timestamptz end
    from unnest(
      ${textArray(invoiced.map(({ account }) => account.id))}::text[],
      ${textArray(invoiced.map(({ invoice }) => invoice.invoiceId))}::text[],
      ${numberArray(invoiced.map(({ start }) => start))}::bigint[],
      ${numberArray(invoiced.map(({ end }) => end))}::bigint[],
      ${numberArray(invoiced.map(({ invoice }) => invoice.totalCents))}::bigint[],
      ${textArray(invoiced.map(({ invoice }) => linesSha256(invoice.lines)))}::text[],
      ${textArray(states)}::text[]
    ) as invoiced (account_id, invoice_id, period_start, period_end, total_cents, lines_sha256,
      state)`.execute(tx);
}

function stateOf({ totalCents }: ComposedInvoice): 'settled' | 'frozen' | 'needs_operator' {
  if (totalCents === 0n) return 'settled';
  return totalCents > MAX_INVOICE_CENTS ? 'needs_operator' : 'frozen';
}

async function saveLines(tx: Db, invoiced: readonly InvoicedPeriod[]): Promise<void> {
  const lines = invoiced.flatMap(({ account, invoice }) =>
    invoice.lines.map((line, index) => ({
      accountId: account.id,
      invoiceId: invoice.invoiceId,
      number: index + 1,
      ...lineColumns(line),
    })),
  );
  await sql`
    insert into invoice_line (account_id, invoice_id, line_number, kind, app, database, size_tenths,
      quantity, description, amount_cents, adjusts_period_start)
    select * from unnest(
      ${textArray(lines.map((line) => line.accountId))}::text[],
      ${textArray(lines.map((line) => line.invoiceId))}::text[],
      ${numberArray(lines.map((line) => line.number))}::int[],
      ${textArray(lines.map((line) => line.kind))}::text[],
      ${textArray(lines.map((line) => line.app))}::text[],
      ${textArray(lines.map((line) => line.database))}::text[],
      ${numberArray(lines.map((line) => line.sizeTenths))}::int[],
      ${numberArray(lines.map((line) => line.quantity))}::bigint[],
      ${textArray(lines.map((line) => line.description))}::text[],
      ${numberArray(lines.map((line) => line.amountCents))}::bigint[],
      ${numberArray(lines.map((line) => line.adjustsPeriodStart))}::bigint[])`.execute(tx);
}

function lineColumns(line: InvoiceLine) {
  const { kind, description, amountCents } = line;
  const common = {
    kind,
    description,
    amountCents,
    app: null,
    database: null,
    sizeTenths: null,
    adjustsPeriodStart: null,
  };
  switch (line.kind) {
    case 'app':
      return { ...common, app: line.app, quantity: line.rssTenths };
    case 'database': {
      const { app, database, sizeTenths, seconds } = line;
      return { ...common, app, database, sizeTenths, quantity: seconds };
    }
    case 'adjustment': {
      const { subject, periodStart, quantity } = line;
      const { kind: _, ...columns } = subject;
      return { ...common, ...columns, quantity, adjustsPeriodStart: periodStart };
    }
    case 'carried':
    case 'written_off':
    case 'credit':
      return { ...common, quantity: 0n };
  }
}
