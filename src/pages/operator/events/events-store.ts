import { sql } from 'kysely';
import type { Db } from '../../../database/pool.ts';
import { sliceOf, type Slice } from '../slice.ts';

export type ParkedRow = {
  readonly account: string;
  readonly source: string;
  readonly id: string;
  readonly waitsFor: string;
  readonly name: string;
  readonly parkedAt: Date;
};

/** So that a page stays small, whatever is in them. */
export const EVENTS_PER_PAGE = 10;

/** Events that wait for something to appear, the oldest first. */
export async function listParked(db: Db, from: number): Promise<Slice<ParkedRow>> {
  const { rows } = await sql<ParkedRow>`
    select account_id as account, source, event_id as id, waits_for as "waitsFor", name,
      parked_at as "parkedAt"
    from parked_event order by parked_at, account_id, source, event_id
    offset ${from} limit ${EVENTS_PER_PAGE + 1}`.execute(db);
  return sliceOf(rows, from, EVENTS_PER_PAGE);
}

export type QuarantinedRow = {
  /** Names it: the digest of its content, in hexadecimal digits. */
  readonly digest: string;
  /** As it was reported: perhaps no name at all. */
  readonly account: string | null;
  readonly source: string | null;
  readonly id: string | null;
  readonly reported: string;
  readonly field: string;
  readonly value: string;
  readonly rule: string;
  readonly timesSeen: bigint;
  readonly lastSeenAt: Date;
};

/** Events that were refused, the latest first; of what they hold the beginning, since that may be anything. */
export async function listQuarantined(db: Db, from: number): Promise<Slice<QuarantinedRow>> {
  const { rows } = await sql<QuarantinedRow>`
    select encode(digest, 'hex') as digest, left(account_id, 201) as account, left(source, 200) as source,
      left(event_id, 200) as id, left(reported, 500) as reported, left(field, 200) as field,
      left(value, 200) as value, left(rule, 300) as rule, times_seen as "timesSeen", last_seen_at as "lastSeenAt"
    from quarantined_event order by last_seen_at desc, digest
    offset ${from} limit ${EVENTS_PER_PAGE + 1}`.execute(db);
  return sliceOf(rows, from, EVENTS_PER_PAGE);
}
