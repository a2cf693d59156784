import { sql } from 'kysely';
import type { Db } from '../../database/pool.ts';

/**
 * SQL for one event as a line of JSON: all of its columns by name, bigints as strings, as `jsonb_populate_record`
 * reads them back. The same text for the same row for ever, since files are compared with tables by digest.
 */
export const EVENT_LINE = sql<string>`json_build_object(
  'account_id', account_id, 'recording', recording::text, 'source', source, 'event_id', event_id,
  'type', type, 'at', at::text, 'tie', tie, 'meter', meter, 'resource', resource, 'app', app,
  'level', level::text, 'size_tenths', size_tenths, 'details', details,
  'is_superseded', is_superseded, 'superseded_in', superseded_in::text,
  'recorded_at', to_char(recorded_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))::text`;

/** Puts such lines back into a table like `event`. */
export async function insertLines(tx: Db, table: string, lines: readonly string[]): Promise<void> {
  await sql`
    insert into ${sql.table(table)}
    select event.* from unnest(${lines}::text[]) as line,
      lateral jsonb_populate_record(null::event, line::jsonb) as event`.execute(tx);
}
