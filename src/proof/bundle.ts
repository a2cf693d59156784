import type { Db } from '../database/pool.ts';
import { whereArchived } from '../invoicing/explaining/archived-part.ts';
import type { PriceBook } from '../pricing/price-book.ts';
import { assert, Fault } from '../values/fault.ts';
import { sealsOf, toLinks } from './chain-store.ts';
import { eventText, linkOf, NO_LINK, type Link } from './event-chain.ts';
import { withFacts, type Facts, type ReadArchived } from './facts.ts';
import { placesOf } from './read-chain.ts';
import type { FrozenInvoice } from './read-invoices.ts';
import { sealEvents } from './seal-events.ts';
import { readEvidence } from './verify-account.ts';

const EVENTS_AT_ONCE = 500;

/**
 * Writes everything an invoice rests on for `tools/verify-bundle.mjs`, which needs nothing else: prices, closed
 * periods, and the invoices before it and itself, then the account's sealed events up to it. One line of JSON
 * each, with its link: the events' are those of their chain, all others form a chain of their own. `write` is
 * given some lines at a time; memory does not grow with the events. Seals what is not sealed yet.
 *
 * @throws Fault `facts_archived` before anything is written, where there are such and nobody reads them.
 */
export async function writeBundle(
  db: Db,
  account: string,
  invoiceId: string,
  write: (lines: readonly string[]) => void,
  readArchived?: ReadArchived,
): Promise<void> {
  await sealEvents(db, account);
  await withFacts(db, account, readArchived, async (facts) => {
    if (facts.missing !== undefined) {
      const where = whereArchived(facts.missing, 0n);
      throw new Fault('conflict', 'facts_archived', `${where}; name their directory: --archive`);
    }
    const { invoices, closedPeriods, priceBooks } = await readEvidence(facts);
    const invoice = invoices.find((one) => one.invoiceId === invoiceId);
    assert(invoice !== undefined, 'the invoice is the latest of its period');
    write(
      chained([
        { format: 'gigameter-bundle/2', account },
        ...priceBooks.map((book) => ({ price_book: bookToJson(book) })),
        ...closedPeriods
          .filter(({ start }) => start <= invoice.periodStart)
          .map(({ start, end }) => ({
            closed_period: { start: start.toString(), end: end.toString() },
          })),
        ...invoices
          .filter(({ recording }) => recording <= invoice.recording)
          .map((one) => ({ invoice: invoiceToJson(one) })),
      ]),
    );
    for await (const lines of eventLines(facts, invoice.recording)) write(lines);
  });
}

function chained(contents: readonly object[]): string[] {
  let link = NO_LINK;
  return contents.map((content) => {
    link = linkOf(link, JSON.stringify(content));
    return JSON.stringify({ link, ...content });
  });
}

/** In the order of the chain, each with the link that was sealed. */
async function* eventLines(facts: Facts, upTo: bigint): AsyncGenerator<readonly string[]> {
  const links = linksOf(facts);
  let lines: string[] = [];
  for await (const { recording, event } of placesOf(facts)) {
    if (recording > upTo) break;
    // One that is gone leaves its link to nothing: that does not verify.
    if (event === undefined) continue;
    const link = (await links.next()).value;
    lines.push(`{"link":${JSON.stringify(link)},"event":${eventText(facts.account, event)}}`);
    if (lines.length < EVENTS_AT_ONCE) continue;
    yield lines;
    lines = [];
  }
  yield lines;
}

async function* linksOf({ tx, account }: Facts): AsyncGenerator<Link, undefined> {
  for await (const seal of sealsOf(tx, account)) yield* toLinks(seal.links);
  return undefined;
}

function invoiceToJson(invoice: FrozenInvoice) {
  return {
    invoice_id: invoice.invoiceId,
    period_start: invoice.periodStart.toString(),
    chain_head: invoice.chainHead,
    total_cents: invoice.totalCents.toString(),
    lines_sha256: invoice.linesSha256,
    lines: invoice.lines.map(({ kind, subject, adjustsPeriodStart, ...line }) => ({
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
