import { sql } from 'kysely';
import type { Db } from '../../database/pool.ts';

export type ParkedRow = {
  readonly account: string;
  readonly source: string;
  readonly id: string;
  readonly waitsFor: string;
  readonly name: string;
  readonly parkedAt: Date;
};

/** Events that wait for something to appear, the oldest first. */
export async function listParked(db: Db, limit: number): Promise<readonly ParkedRow[]> {
  const { rows } = await sql<ParkedRow>`
    select account_id as account, source, event_id as id, waits_for as "waitsFor", name,
      parked_at as "parkedAt"
    from parked_event order by parked_at limit ${limit}`.execute(db);
  return rows;
}

export type QuarantinedRow = {
  /** Names it: the digest of its content, in hexadecimal digits. */
  readonly digest: string;
  readonly account: string | null;
  readonly source: string | null;
  readonly id: string | null;
  readonly code: string;
  readonly field: string;
  readonly value: string;
  readonly rule: string;
  readonly timesSeen: bigint;
  readonly lastSeenAt: Date;
};

/** Events that were refused, the latest first. */
export async function listQuarantined(db: Db, limit: number): Promise<readonly QuarantinedRow[]> {
  const { rows } = await sql<QuarantinedRow>`
    select encode(digest, 'hex') as digest, account_id as account, source, event_id as id, code,
      field, left(value, 300) as value, rule, times_seen as "timesSeen",
      last_seen_at as "lastSeenAt"
    from quarantined_event order by last_seen_at desc limit ${limit}`.execute(db);
  return rows;
}
