import { sql } from 'kysely';
import type { Db } from '../../database/pool.ts';
import { recordDrift, type Drift } from '../drift.ts';
import type { Params } from '../gateway.ts';
import { findInvoice, nameOf, type InvoiceName, type InvoiceRow } from '../issue/invoice-store.ts';
import { byHand, invoiceNameOf, mergeInvoice } from '../news/sync-invoice.ts';
import { invoiceObject, type StripeInvoice } from '../objects.ts';
import type { StripeContext } from '../operation.ts';
import { readList, readObject } from '../read.ts';
import { compareInvoice } from './compare-invoice.ts';

/** What of all invoices is compared: those of one customer, or those made in a stretch of time. */
export type Slice =
  | { readonly accountId: string; readonly customerId: string }
  | { readonly from: Date; readonly until: Date };

/**
 * Compares a slice of Stripe's invoices with ours, in both directions. News we missed is taken over as
 * if it had been heard; what nobody ordered is reported besides, and nothing at Stripe is changed.
 */
export async function checkInvoices(context: StripeContext, slice: Slice): Promise<number> {
  const seenIds = new Set<string>();
  let page: StripeInvoice[] = [];
  const flush = async (): Promise<void> => {
    await checkPage(context, page);
    page = [];
  };
  const list = readList(context.gateway, invoiceObject, '/v1/invoices', paramsOf(slice));
  for await (const seen of list) {
    seenIds.add(seen.id);
    page.push(seen);
    if (page.length >= 100) await flush();
  }
  await flush();
  for (const row of await findExpected(context.db, slice)) {
    if (!seenIds.has(row.stripe_invoice_id ?? '')) await checkMissing(context, row);
  }
  return seenIds.size;
}

function paramsOf(slice: Slice): Params {
  if ('customerId' in slice) return { customer: slice.customerId };
  return { created: { gte: seconds(slice.from), lt: seconds(slice.until) } };
}

async function checkPage(context: StripeContext, page: readonly StripeInvoice[]): Promise<void> {
  const { db, clock } = context;
  const books = await loadBooks(db, page);
  const found: Drift[] = [];
  for (const seen of page) {
    const name = invoiceNameOf(seen.metadata);
    if (name === undefined) {
      const accountId = books.accountOf(seen);
      if (accountId !== undefined && seen.status !== 'void') found.push(byHand(accountId, seen));
      continue;
    }
    const row = books.invoiceOf(name);
    if (row?.stripe_invoice_id === seen.id) {
      const isEqual = compareInvoice(row, books.paidCents(name), seen).length === 0;
      if (!isEqual) found.push(...(await catchUp(context, name, seen)));
    } else if (row === undefined) {
      found.push(unknown(name, seen));
    } else {
      await db.transaction().execute(async (tx) => await mergeInvoice(tx, clock(), name, seen));
    }
  }
  await recordDrift(db, clock(), found);
}

/** Takes over what we missed, then says what still differs. */
async function catchUp(
  { db, clock }: StripeContext,
  name: InvoiceName,
  seen: StripeInvoice,
): Promise<readonly Drift[]> {
  return await db.transaction().execute(async (tx) => {
    await mergeInvoice(tx, clock(), name, seen);
    const books = await loadBooks(tx, [seen]);
    const row = books.invoiceOf(name);
    return row === undefined ? [] : compareInvoice(row, books.paidCents(name), seen);
  });
}

type Books = {
  readonly invoiceOf: (name: InvoiceName) => InvoiceRow | undefined;
  readonly paidCents: (name: InvoiceName) => bigint;
  readonly accountOf: (seen: StripeInvoice) => string | undefined;
};

async function loadBooks(db: Db, page: readonly StripeInvoice[]): Promise<Books> {
  const names = page.flatMap((seen) => invoiceNameOf(seen.metadata) ?? []);
  const accountIds = names.map(({ accountId }) => accountId);
  const invoiceIds = names.map(({ invoiceId }) => invoiceId);
  const invoices = await db
    .selectFrom('invoice')
    .selectAll()
    .where('account_id', '=', sql<string>`any(${accountIds}::text[])`)
    .where('invoice_id', '=', sql<string>`any(${invoiceIds}::text[])`)
    .execute();
  const payments = await db
    .selectFrom('ledger_entry')
    .select(['account_id', 'entry_id', 'amount_cents'])
    .where('account_id', '=', sql<string>`any(${accountIds}::text[])`)
    .where('entry_id', '=', sql<string>`any(${invoiceIds.map((id) => `payment:${id}`)}::text[])`)
    .execute();
  const customerIds = page.flatMap(({ customer }) => customer ?? []);
  const owners = await db
    .selectFrom('stripe_customer')
    .select(['account_id', 'stripe_customer_id'])
    .where('stripe_customer_id', '=', sql<string>`any(${customerIds}::text[])`)
    .execute();
  const key = (accountId: string, id: string): string => JSON.stringify([accountId, id]);
  const rows = new Map(invoices.map((row) => [key(row.account_id, row.invoice_id), row]));
  const cents = new Map(
    payments.map((row) => [key(row.account_id, row.entry_id), row.amount_cents]),
  );
  const accounts = new Map(owners.map((row) => [row.stripe_customer_id, row.account_id]));
  return {
    invoiceOf: ({ accountId, invoiceId }) => rows.get(key(accountId, invoiceId)),
    paidCents: ({ accountId, invoiceId }) =>
      cents.get(key(accountId, `payment:${invoiceId}`)) ?? 0n,
    accountOf: ({ customer }) => accounts.get(customer),
  };
}

/** States in which an invoice must be at Stripe. */
const EXPECTED = ['open', 'paid', 'uncollectible'] as const;

/** Invoices of ours that must be in the slice at Stripe. */
async function findExpected(db: Db, slice: Slice): Promise<InvoiceRow[]> {
  const query = db
    .selectFrom('invoice')
    .selectAll()
    .where('stripe_invoice_id', 'is not', null)
    .where('state', 'in', EXPECTED);
  return await (
    'accountId' in slice
      ? query.where('account_id', '=', slice.accountId)
      : query.where('finalized_at', '>=', slice.from).where('finalized_at', '<', slice.until)
  ).execute();
}

async function checkMissing(context: StripeContext, row: InvoiceRow): Promise<void> {
  const path = `/v1/invoices/${row.stripe_invoice_id}`;
  const seen = await readObject(context.gateway, invoiceObject, path);
  if (seen !== undefined && seen.deleted !== true) return await checkPage(context, [seen]);
  await recordDrift(context.db, context.clock(), [
    {
      accountId: row.account_id,
      driftId: `invoice_missing:${row.invoice_id}`,
      kind: 'invoice_missing',
      cents: -row.total_cents,
      details: { invoice: nameOf(row).invoiceId, stripe_invoice: row.stripe_invoice_id },
    },
  ]);
}

/** Compares one Stripe invoice, however old, with the invoice of ours that it was made for. */
export async function checkOneInvoice(
  context: StripeContext,
  name: InvoiceName,
  stripeInvoiceId: string,
): Promise<void> {
  const row = await findInvoice(context.db, name);
  const isExpected = EXPECTED.some((state) => state === row?.state);
  if (row?.stripe_invoice_id === stripeInvoiceId && isExpected) {
    return await checkMissing(context, row);
  }
  const path = `/v1/invoices/${stripeInvoiceId}`;
  const seen = await readObject(context.gateway, invoiceObject, path);
  if (seen !== undefined && seen.deleted !== true) await checkPage(context, [seen]);
}

function unknown({ accountId, invoiceId }: InvoiceName, seen: StripeInvoice): Drift {
  return {
    accountId,
    driftId: `invoice_unknown:${seen.id}`,
    kind: 'invoice_unknown',
    cents: BigInt(seen.status === 'draft' || seen.status === 'void' ? 0 : (seen.total ?? 0)),
    details: { invoice: invoiceId, stripe_invoice: seen.id, theirs: seen.status },
  };
}

function seconds(at: Date): number {
  return Math.floor(at.getTime() / 1000);
}
