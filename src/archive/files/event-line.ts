import { sql } from 'kysely';
import { z } from 'zod';
import type { EventType } from '../../events/event.ts';
import type { EventDetails } from '../../metering/recording/event-row.ts';

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

const bigint = z.string().transform(BigInt);

/** A line as it is read outside of the database; files are known by their digest to be what we wrote. */
export const eventLine = z.strictObject({
  account_id: z.string(),
  recording: bigint,
  source: z.string(),
  event_id: z.string(),
  type: z.custom<EventType>((value) => typeof value === 'string'),
  at: bigint,
  tie: z.string(),
  meter: z.enum(['app', 'database', 'job']).nullable(),
  resource: z.string().nullable(),
  app: z.string().nullable(),
  level: bigint.nullable(),
  size_tenths: z.int().nullable(),
  details: z
    .custom<EventDetails>((value) => typeof value === 'object' && value !== null)
    .nullable(),
  is_superseded: z.boolean(),
  superseded_in: bigint.nullable(),
  recorded_at: z.iso.datetime({ precision: 6 }),
});

export type EventLine = z.infer<typeof eventLine>;
