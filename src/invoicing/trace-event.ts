import { sql } from 'kysely';
import type { Db } from '../database/pool.ts';
import type { Refusal } from '../events/refusal.ts';
import type { Second } from '../values/instant.ts';

export type EventName = {
  readonly account: string;
  readonly source: string;
  readonly id: string;
};

/** What became of a reported event, and what counts it. */
export type TracedEvent = {
  readonly recorded: RecordedTrace | undefined;
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
  readonly occurredAt: Second;
  readonly recordedAt: Date;
  /** Of the closed period it occurred in; undefined while that is open. */
  readonly closedAt: Date | undefined;
  /** The invoice of that period, if it has one (R18). */
  readonly invoiceId: string | undefined;
};

/** Undefined when nothing is known under this name. */
export async function traceEvent(db: Db, name: EventName): Promise<TracedEvent | undefined> {
  const recorded = await findRecorded(db, name);
  const parked = await findParked(db, name);
  const refused = await findRefused(db, name);
  const isUnknown = recorded === undefined && parked === undefined && refused.length === 0;
  return isUnknown ? undefined : { recorded, parked, refused };
}

async function findRecorded(
  db: Db,
  { account, source, id }: EventName,
): Promise<RecordedTrace | undefined> {
  const { rows } = await sql<RecordedRow>`
    select event.type, event.at, event.recorded_at, period.closed_at, invoice.invoice_id
    from event
    left join billing_period period on period.account_id = event.account_id
      and period.start_at <= event.at and event.at < period.end_at
    left join invoice on invoice.account_id = period.account_id
      and invoice.period_start = period.start_at and invoice.state <> 'void'
    where event.account_id = ${account} and event.source = ${source} and event.event_id = ${id}`.execute(
    db,
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  return {
    type: row.type,
    occurredAt: row.at,
    recordedAt: row.recorded_at,
    closedAt: row.closed_at ?? undefined,
    invoiceId: row.invoice_id ?? undefined,
  };
}

type RecordedRow = {
  readonly type: string;
  readonly at: Second;
  readonly recorded_at: Date;
  readonly closed_at: Date | null;
  readonly invoice_id: string | null;
};

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
