import { sql } from 'kysely';
import { numberArray, textArray } from '../../database/arrays.ts';
import type { Db } from '../../database/pool.ts';
import type { Second } from '../../values/instant.ts';
import type { Placed } from './deltas.ts';

/** The recorded events of the same resource right before and after an event, in the order of events. */
export type Neighbours = {
  readonly previousLevel: bigint | null;
  readonly previousSizeTenths: number | null;
  readonly nextAt: Second | null;
};

type Sought = Pick<Placed, 'event' | 'row'>;

/** An event between its neighbours. */
export function placedBetween(
  { event, row }: Sought,
  { previousLevel, previousSizeTenths, nextAt }: Neighbours,
  lastCutAt: Second,
): Placed {
  return {
    event,
    row,
    previousLevel: previousLevel ?? 0n,
    previousSizeTenths,
    nextAt: nextAt ?? undefined,
    lastCutAt,
  };
}

/**
 * The neighbours of events of apps and databases, by position. Two look-ups an event, in each month's
 * partition; what is true from an instant on is recorded five minutes before it at the earliest, so that
 * months which ended before need not be asked for what came after.
 */
export async function findNeighbours(
  tx: Db,
  sought: readonly Sought[],
): Promise<readonly Neighbours[]> {
  if (sought.length === 0) return [];
  const { rows } = await sql<Neighbours>`
    /* prepare find_neighbours */
    select previous.level as "previousLevel", previous.size_tenths as "previousSizeTenths",
      next.at as "nextAt"
    from unnest(
      ${textArray(sought.map(({ event }) => event.account))}::text[],
      ${textArray(sought.map(({ row }) => row.meter))}::text[],
      ${textArray(sought.map(({ row }) => row.resource))}::text[],
      ${numberArray(sought.map(({ row }) => row.at))}::bigint[],
      ${textArray(sought.map(({ row }) => row.tie))}::text[],
      ${textArray(sought.map(({ event }) => event.id))}::text[],
      ${textArray(sought.map(({ event }) => event.source))}::text[]
    ) with ordinality as given (account_id, meter, resource, at, tie, event_id, source, position)
    join account on account.account_id = given.account_id
    left join lateral (
      select e.level, e.size_tenths from standing_event e
      where e.account_id = account.account_id and e.meter = given.meter
        and e.resource = given.resource
        and (e.at, e.tie, e.event_id, e.source)
          < (given.at, given.tie, given.event_id, given.source)
      order by e.at desc, e.tie desc, e.event_id desc, e.source desc limit 1
    ) previous on true
    left join lateral (
      select e.at from standing_event e
      where e.account_id = account.account_id and e.meter = given.meter
        and e.resource = given.resource
        and (e.at, e.tie, e.event_id, e.source)
          > (given.at, given.tie, given.event_id, given.source)
      order by e.at, e.tie, e.event_id, e.source limit 1
    ) next on true
    order by position`.execute(tx);
  return rows;
}
