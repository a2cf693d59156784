import { sql } from 'kysely';

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
