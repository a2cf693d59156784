import { sql } from 'kysely';
import type { Db } from '../database/pool.ts';
import type { Month } from '../values/month.ts';

/** A month of events and where it is. */
export type ListedMonth = {
  readonly month: Month;
  readonly state: 'live' | 'archived';
  /** Of a live month as PostgreSQL estimates it. */
  readonly rows: bigint;
  /** Of an archived month: those that stay in the database. */
  readonly carried: bigint | null;
  /** Of the table with its indexes, or of the file. */
  readonly bytes: bigint;
  readonly file: string | null;
};

/** All months that were recorded in or are made ahead, oldest first. Reads no events. */
export async function listMonths(db: Db): Promise<ListedMonth[]> {
  const { rows } = await sql<ListedMonth>`
    select replace(substr(relname, 10), '_', '-') as month, 'live' as state,
      greatest(reltuples, 0)::bigint as rows, null::bigint as carried,
      pg_total_relation_size(oid) as bytes, null as file
    from pg_inherits join pg_class on oid = inhrelid
    where inhparent = 'event'::regclass and relname ~ '^event_of_\\d{4}_\\d\\d$'
    union all
    select month, 'archived', rows, carried, file_bytes, file from archived_month
    order by month`.execute(db);
  return rows;
}
