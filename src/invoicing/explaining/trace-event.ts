import { sql } from 'kysely';
import type { Db } from '../../database/pool.ts';
import type { Refusal } from '../../events/refusal.ts';
import { causeOf, type Cause } from '../../sources/cause.ts';
import type { Second } from '../../values/instant.ts';
import { isLatestRevision } from '../latest-revision.ts';

export type EventName = {
  readonly account: string;
  readonly source: string;
  readonly id: string;
};

/** What became of a reported event, and what counts it. */
export type TracedEvent = {
  readonly recorded: RecordedTrace | undefined;
  /** Was recorded, and is in a file. */
  readonly archived:
    { readonly recordedAt: Date; readonly month: string; readonly file: string } | undefined;
  /** Waits for this to be known (R61). */
  readonly parked:
    { readonly waitsFor: string; readonly name: string; readonly parkedAt: Date } | undefined;
  /** Reports under this name that were refused, each content once. */
  readonly refused: readonly (Omit<Refusal, 'code'> & {
    readonly code: string;
    readonly timesSeen: bigint;
    readonly firstSeenAt: Date;
  })[];
};

export type RecordedTrace = {
  readonly type: string;
  /** Why the meter reported it in the source's name; undefined where the source did. */
  readonly cause: Cause | undefined;
  readonly occurredAt: Second;
  readonly recordedAt: Date;
  /** A later event says that it is not true: it counts no more. */
  readonly isSuperseded: boolean;
  /** It came after its time was settled, and counts nowhere: superseded from the beginning. */
  readonly isTooLate: boolean;
  /**
   * How it is billed. open: its period is; invoiced: with its period; corrected: it came after that invoice,
   * and a later one carries the difference; late: the next one will; not_charged: its period was free, or it
   * came too late, is after the account's end, or came late and made no difference.
   */
  readonly billing: 'open' | 'invoiced' | 'corrected' | 'late' | 'not_charged';
  /** The invoice that counts it, once there is one. */
  readonly invoiceId: string | undefined;
};

/** Undefined when nothing is known under this name. */
export async function traceEvent(db: Db, name: EventName): Promise<TracedEvent | undefined> {
  const recorded = await findRecorded(db, name);
  const parked = await findParked(db, name);
  const refused = await findRefused(db, name);
  const archived = recorded === undefined ? await findArchived(db, name) : undefined;
  const isUnknown = [recorded, parked, archived, refused[0]].every((one) => one === undefined);
  return isUnknown ? undefined : { recorded, archived, parked, refused };
}

async function findArchived(
  db: Db,
  { account, source, id }: EventName,
): Promise<TracedEvent['archived']> {
  const { rows } = await sql<NonNullable<TracedEvent['archived']>>`
    select identity.recorded_at as "recordedAt", month, file
    from event_identity identity
    join archived_month on month = to_char(identity.recorded_at at time zone 'UTC', 'YYYY-MM')
    where identity.account_id = ${account} and identity.source = ${source}
      and identity.event_id = ${id} and identity.recording is not null`.execute(db);
  return rows[0];
}

async function findRecorded(
  db: Db,
  { account, source, id }: EventName,
): Promise<RecordedTrace | undefined> {
  // What came after the account's end counts in invoices that were made before that was known.
  const isBeforeEnd = (recording: string) => sql`not exists (
    select from event deletion where deletion.account_id = event.account_id
      and deletion.type = 'account.deleted' and deletion.at <= event.at
      and deletion.recording <= ${sql.ref(recording)})`;
  const { rows } = await sql<RecordedRow>`
    select event.type, event.at, event.recorded_at as "recordedAt",
      event.is_superseded as "isSuperseded",
      coalesce(event.superseded_in = event.recording, false) as "isTooLate",
      period.account_id is not null as "isClosed", account.deleted_at <= event.at as "isAfterEnd",
      own.invoice_id as "ownId",
      own.recording >= event.recording and ${isBeforeEnd('own.recording')} as "isCounted",
      (select correcting.invoice_id
        from invoice_line line join invoice correcting using (account_id, invoice_id)
        where line.account_id = period.account_id and line.adjusts_period_start = period.start_at
          and correcting.recording >= event.recording and ${isLatestRevision('correcting')}
          and ${isBeforeEnd('correcting.recording')}
        order by correcting.recording limit 1) as "correctingId",
      account.late_since < period.end_at and not exists (
        select from invoice later where later.account_id = period.account_id
          and later.period_start > period.start_at and later.recording >= event.recording) as "isWaiting"
    from event_identity identity
    join event using (account_id, source, event_id, recording, recorded_at)
    join account using (account_id)
    left join billing_period period on period.account_id = event.account_id
      and period.start_at <= event.at and event.at < period.end_at
    left join invoice own on own.account_id = period.account_id
      and own.period_start = period.start_at and ${isLatestRevision('own')}
    where identity.account_id = ${account} and identity.source = ${source}
      and identity.event_id = ${id}`.execute(db);
  const [row] = rows;
  if (row === undefined) return undefined;
  const { type, at: occurredAt, recordedAt, isSuperseded, isTooLate } = row;
  const what = { type, cause: causeOf(id), occurredAt, recordedAt };
  return { ...what, isSuperseded, isTooLate, ...billingOf(row) };
}

type RecordedRow = Pick<RecordedTrace, 'type' | 'recordedAt' | 'isSuperseded' | 'isTooLate'> & {
  readonly at: Second;
  readonly isClosed: boolean;
  readonly isAfterEnd: boolean | null;
  readonly ownId: string | null;
  readonly isCounted: boolean | null;
  readonly correctingId: string | null;
  readonly isWaiting: boolean | null;
};

function billingOf(row: RecordedRow): Pick<RecordedTrace, 'billing' | 'invoiceId'> {
  const { ownId, correctingId } = row;
  if (row.isTooLate) return { billing: 'not_charged', invoiceId: undefined };
  if (ownId !== null && row.isCounted) return { billing: 'invoiced', invoiceId: ownId };
  if (correctingId !== null) return { billing: 'corrected', invoiceId: correctingId };
  if (row.isAfterEnd) return { billing: 'not_charged', invoiceId: undefined };
  if (!row.isClosed) return { billing: 'open', invoiceId: undefined };
  return { billing: row.isWaiting ? 'late' : 'not_charged', invoiceId: undefined };
}

async function findParked(
  db: Db,
  { account, source, id }: EventName,
): Promise<TracedEvent['parked']> {
  const row = await db
    .selectFrom('parked_event')
    .select(['waits_for', 'name', 'parked_at'])
    .where('account_id', '=', account)
    .where('source', '=', source)
    .where('event_id', '=', id)
    .executeTakeFirst();
  return row && { waitsFor: row.waits_for, name: row.name, parkedAt: row.parked_at };
}

async function findRefused(
  db: Db,
  { account, source, id }: EventName,
): Promise<TracedEvent['refused']> {
  const rows = await db
    .selectFrom('quarantined_event')
    .select(['code', 'field', 'value', 'rule', 'times_seen', 'first_seen_at'])
    .where('account_id', '=', account)
    .where('source', '=', source)
    .where('event_id', '=', id)
    .orderBy('first_seen_at')
    .execute();
  return rows.map(({ code, field, value, rule, times_seen, first_seen_at }) => ({
    code,
    field,
    value,
    rule,
    timesSeen: times_seen,
    firstSeenAt: first_seen_at,
  }));
}
