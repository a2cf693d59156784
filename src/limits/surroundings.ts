import { sql } from 'kysely';
import { numberArray, textArray } from '../database/arrays.ts';
import type { Db } from '../database/pool.ts';
import { toEventRow } from '../metering/series/event-row.ts';
import { groupBy } from '../values/group.ts';
import type { Beside, LevelEvent } from './violations.ts';

/**
 * For each event of an account that was FREE at its instant: what ran just before it. One statement for any
 * number of events.
 */
export async function readSurroundings(
  tx: Db,
  events: readonly LevelEvent[],
): Promise<ReadonlyMap<LevelEvent, Beside>> {
  const content = events.map(toEventRow);
  const { rows } = await sql<SurroundingRow>`
    /* prepare read_surroundings */
    with given as (
      select * from unnest(
        ${textArray(events.map(({ account }) => account))}::text[],
        ${textArray(events.map(({ source }) => source))}::text[],
        ${textArray(events.map(({ id }) => id))}::text[],
        ${numberArray(content.map(({ at }) => at))}::bigint[],
        ${textArray(content.map(({ tie }) => tie))}::text[],
        ${textArray(content.map(({ meter }) => meter))}::text[],
        ${textArray(content.map(({ resource }) => resource))}::text[]
      ) with ordinality as given (account_id, source, event_id, at, tie, meter, resource, position)
    )
    select position, held.*
    from given join account using (account_id)
    left join lateral (
      select series.resource = given.resource as "isItself", level, size_tenths as "sizeTenths"
      from (
        select distinct resource from series
        where account_id = given.account_id and meter = given.meter
      ) series
      join lateral (
        select level, size_tenths from standing_event e
        where e.account_id = given.account_id and e.meter = given.meter
          and e.resource = series.resource
          and (e.at, e.tie, e.event_id, e.source)
            < (given.at, given.tie, given.event_id, given.source)
        order by e.at desc, e.tie desc, e.event_id desc, e.source desc limit 1
      ) before on level > 0
    ) held on true
    where upgraded_at is null or upgraded_at > given.at`.execute(tx);
  return gatherBeside(events, rows);
}

type SurroundingRow = {
  readonly position: bigint;
} & (
  | { readonly isItself: boolean; readonly level: bigint; readonly sizeTenths: number }
  | { readonly isItself: null; readonly level: null; readonly sizeTenths: null }
);

function gatherBeside(
  events: readonly LevelEvent[],
  rows: readonly SurroundingRow[],
): ReadonlyMap<LevelEvent, Beside> {
  const beside = new Map<LevelEvent, Beside>();
  for (const [position, held] of groupBy(rows, (row) => Number(row.position) - 1)) {
    const event = events[position]!;
    let others = 0;
    let previous: Beside['previous'];
    for (const row of held) {
      if (row.isItself === null) continue;
      // An app's level is replicas × size, a database's is 1.
      const count = 'replicas' in event.fact ? Number(row.level) / row.sizeTenths : 1;
      if (row.isItself) previous = { count, sizeTenths: row.sizeTenths };
      else others += count;
    }
    beside.set(event, { others, previous });
  }
  return beside;
}
