import { sql } from 'kysely';
import { lastCounted, type Account } from '../../accounts/account.ts';
import type { Db } from '../../database/pool.ts';
import { priceBooksOf } from '../../pricing/store.ts';
import type { Second } from '../../values/instant.ts';
import { periodAt } from '../../values/period.ts';
import { findArchivedPart, whereArchived } from './archived-part.ts';
import { countedAt, knownFactsOf, turnsBy, type Subject } from './level-events.ts';
import { segmentsWithin } from './line-segments.ts';
import type { NumberedLine } from '../page-invoices.ts';
import { pricedParts, shareLine, type ExplainedSegments, type Part } from './price-segments.ts';
import { stretchesOf } from '../stretches.ts';
import { isLatestRevision } from '../latest-revision.ts';

/** The period a line charges or corrects, and up to where facts were known when it did, and before that. */
type Basis = {
  readonly start: Second;
  readonly end: Second;
  readonly knownBy: bigint;
  /** Of the latest invoice before that billed this period; undefined when none did. */
  readonly billedBy: bigint | undefined;
  /** Facts about the period are not all in the database any more. */
  readonly isArchived: boolean;
};

/**
 * The segments a line of an invoice adds up from, by the facts that were known when it was made (D2): what
 * was reported later changes nothing here. A correction has segments it adds and, negative, those it takes
 * back. Lines that only move balances have none, nor do those whose facts are archived.
 */
export async function explainLine(
  db: Db,
  account: Account,
  invoiceId: string,
  line: NumberedLine,
): Promise<ExplainedSegments> {
  const subject = subjectOf(line);
  if (subject === undefined) return { segments: [], rest: undefined };
  const basis = await findBasis(db, account.id, invoiceId, line);
  const { start, end, knownBy, billedBy } = basis;
  if (basis.isArchived) {
    const part = (await findArchivedPart(db, account.id))!;
    return { segments: [], rest: undefined, archived: whereArchived(part, start) };
  }
  const priceBooks = await priceBooksOf(db, account.id);
  const period = { from: start, to: end };
  const facts = await knownFactsOf(db, account.id, subject, period, billedBy ?? knownBy);
  const partsBy = (known: bigint): Part[] => {
    const turns = turnsBy(facts, known);
    const window = { from: start, to: lastCounted(turns, end) };
    return pricedParts(
      subject.kind,
      periodAt(account.signedUpAt, end - 1n),
      stretchesOf(window, turns.upgradedAt, priceBooks),
      segmentsWithin(countedAt(facts.events, known), window, line.sizeTenths),
    );
  };
  const billedBefore = billedBy === undefined ? [] : partsBy(billedBy);
  return shareLine(line, partsBy(knownBy), billedBefore);
}

function subjectOf({ kind, app, database }: NumberedLine): Subject | undefined {
  if (kind !== 'app' && kind !== 'database' && kind !== 'adjustment') return undefined;
  if (database !== undefined) return { kind: 'database', database };
  return app === undefined ? undefined : { kind: 'app', app };
}

async function findBasis(
  db: Db,
  accountId: string,
  invoiceId: string,
  { lineNumber }: NumberedLine,
): Promise<Basis> {
  const { rows } = await sql<{
    readonly start: Second;
    readonly end: Second;
    readonly knownBy: bigint;
    readonly billedBy: bigint | null;
    readonly isArchived: boolean;
  }>`
    select period.start_at as start, period.end_at as "end", invoice.recording as "knownBy",
      case when line.kind = 'adjustment' then (
        select max(earlier.recording) from invoice earlier
        where earlier.account_id = invoice.account_id and earlier.recording < invoice.recording
          and ${isLatestRevision('earlier')}
          and (earlier.period_start = period.start_at or exists (
            select from invoice_line correction
            where correction.account_id = earlier.account_id
              and correction.invoice_id = earlier.invoice_id
              and correction.adjusts_period_start = period.start_at))
      ) end as "billedBy",
      exists (
        select from account join archived_account using (account_id)
        where account_id = invoice.account_id and settled_at > period.start_at) as "isArchived"
    from invoice
    join invoice_line line using (account_id, invoice_id)
    join billing_period period on period.account_id = invoice.account_id
      and period.start_at = coalesce(line.adjusts_period_start, invoice.period_start)
    where invoice.account_id = ${accountId} and invoice.invoice_id = ${invoiceId}
      and line.line_number = ${lineNumber}`.execute(db);
  const { billedBy, ...basis } = rows[0]!;
  return { ...basis, billedBy: billedBy ?? undefined };
}
