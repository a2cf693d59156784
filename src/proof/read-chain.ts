import { sql } from 'kysely';
import { rowsOf } from '../database/cursor.ts';
import { compareBytes } from '../values/text.ts';
import type { ChainPlace } from './chain-store.ts';
import type { ChainedEvent } from './event-chain.ts';
import type { Facts } from './facts.ts';

/** Where an event stands by its identity, which stays for ever; without `event` it is not among the facts. */
export type ReadPlace = ChainPlace & {
  /** In which it was recorded. */
  readonly month: string;
  readonly event: ChainedEvent | undefined;
};

/** The places of all events in the order in which they became known, some at a time. */
export async function* placesOf({
  tx,
  account,
  rows,
}: Facts): AsyncGenerator<ReadPlace, undefined> {
  const query = sql<Row>`
    select coalesce(fact.recording, identity.recording) as recording, source, event_id as id,
      to_char(coalesce(identity.recorded_at, fact.recorded_at) at time zone 'UTC', 'YYYY-MM') as month,
      type, at, tie, meter, resource, app, level, size_tenths as "sizeTenths", details,
      fact.recorded_at as "recordedAt"
    from ${rows} fact full join (
      select account_id, source, event_id, recording, recorded_at from event_identity
      where account_id = ${sql.lit(account)} and recording is not null
    ) identity using (account_id, source, event_id)
    order by 1, 2, 3`;
  for await (const row of rowsOf(tx, 'places', query)) {
    const { recording, source, id, month } = row;
    yield { recording, source, id, month, event: row.type === null ? undefined : row };
  }
  return undefined;
}

type Row = Omit<ReadPlace, 'event'> & (ChainedEvent | { readonly type: null });

/** As `collate "C"` compares. */
export function isAfter(place: ChainPlace, last: ChainPlace): boolean {
  if (place.recording !== last.recording) return place.recording > last.recording;
  return (compareBytes(place.source, last.source) || compareBytes(place.id, last.id)) > 0;
}
