import type { Db } from '../database/pool.ts';
import { findArchivedPart, whereArchived } from '../invoicing/explaining/archived-part.ts';
import type { PriceBook } from '../pricing/price-book.ts';
import { assert, Fault } from '../values/fault.ts';
import { CHAIN_START, readChain, sealsOf, toLinks } from './chain-store.ts';
import { compareBytes } from '../values/text.ts';
import { notAmong, type ReadArchived } from './archived.ts';
import { eventText, type ChainedEvent } from './event-chain.ts';
import type { FrozenInvoice } from './read-invoices.ts';
import { sealEvents } from './seal-events.ts';
import { readEvidence } from './verify-account.ts';

/**
 * Everything an invoice rests on, as JSON for `tools/verify-bundle.mjs`, which needs nothing else: the
 * account's sealed events up to it with their links, prices, closed periods, and the invoices before it.
 * Seals what is not sealed yet. Holds the account's events in memory. Archived ones are read by `readArchived`.
 *
 * @throws Fault `facts_archived` without it, where there are such.
 */
export async function makeBundle(
  db: Db,
  account: string,
  invoiceId: string,
  readArchived?: ReadArchived,
) {
  const part = await findArchivedPart(db, account);
  const archived = part && (await readArchived?.(account));
  if (part !== undefined && archived === undefined) {
    const where = whereArchived(part, 0n);
    throw new Fault('conflict', 'facts_archived', `${where}; name their directory: --archive`);
  }
  await sealEvents(db, account);
  const evidence = await readEvidence(db, account);
  const invoice = evidence.invoices.find((one) => one.invoiceId === invoiceId);
  assert(invoice !== undefined, 'the invoice is the latest of its period');
  const bound = { recording: invoice.recording };
  const present = await readChain(db, account, CHAIN_START, bound, Number.MAX_SAFE_INTEGER);
  const events = archived === undefined ? present : withMissing(present, archived, bound.recording);
  const links = await readLinks(db, account, events.length);
  return {
    format: 'gigameter-bundle/1' as const,
    account,
    invoice: { ...toJson(invoice), chain_head: invoice.chainHead },
    earlier_invoices: evidence.invoices
      .filter(({ recording }) => recording < invoice.recording)
      .map(toJson),
    closed_periods: evidence.closedPeriods
      .filter(({ start }) => start <= invoice.periodStart)
      .map(({ start, end }) => ({ start: start.toString(), end: end.toString() })),
    price_books: evidence.priceBooks.map(bookToJson),
    events: events.map((event): unknown => JSON.parse(eventText(account, event))),
    links,
  };
}

/** In the order of the chain. */
function withMissing(
  present: readonly ChainedEvent[],
  archived: readonly ChainedEvent[],
  upTo: bigint,
): ChainedEvent[] {
  const missing = notAmong(present, archived).filter(({ recording }) => recording <= upTo);
  return [...present, ...missing].toSorted((a, b) =>
    a.recording === b.recording
      ? compareBytes(a.source, b.source) || compareBytes(a.id, b.id)
      : a.recording < b.recording
        ? -1
        : 1,
  );
}

async function readLinks(db: Db, account: string, count: number): Promise<string[]> {
  const links: string[] = [];
  for await (const seal of sealsOf(db, account)) {
    if (links.length >= count) break;
    links.push(...toLinks(seal.links));
  }
  return links.slice(0, count);
}

function toJson({ invoiceId, periodStart, totalCents, lines }: FrozenInvoice) {
  return {
    invoice_id: invoiceId,
    period_start: periodStart.toString(),
    total_cents: totalCents.toString(),
    lines: lines.map(({ kind, subject, adjustsPeriodStart, ...line }) => ({
      kind,
      app: subject?.app ?? null,
      database: subject?.kind === 'database' ? subject.database : null,
      size_tenths: subject?.kind === 'database' ? subject.sizeTenths : null,
      adjusts_period_start: adjustsPeriodStart?.toString() ?? null,
      quantity: line.quantity.toString(),
      description: line.description,
      amount_cents: line.amountCents.toString(),
    })),
  };
}

/** As they hold for the account: its own prices are worked in. */
function bookToJson(book: PriceBook) {
  return {
    price_book_id: book.id,
    effective_at: book.effectiveAt.toString(),
    replica_size_second_usd: book.replicaSizeSecondUsd,
    database_month_cents: Object.fromEntries(
      [...book.databaseMonthCents].map(([sizeTenths, cents]) => [sizeTenths, cents.toString()]),
    ),
    month_seconds: book.monthSeconds.toString(),
    corrected_months: book.correctedMonths,
  };
}
