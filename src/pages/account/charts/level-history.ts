import { sql } from 'kysely';
import type { Db } from '../../database/pool.ts';
import type { Window } from '../../metering/usage.ts';
import { groupBy } from '../../values/group.ts';
import type { Second } from '../../values/instant.ts';

/** How much of an app or database ran from each instant on: its replicas × size, or its size, in tenths. */
export type LevelHistory = {
  readonly kind: 'app' | 'database';
  readonly name: string;
  readonly steps: readonly { readonly at: Second; readonly levelTenths: number }[];
};

/** More steps than a screen has points are not worth reading. */
const MOST_STEPS = 400;
const MOST_RESOURCES = 50;

/**
 * The levels of an account within a window, from the last event before it on; of resources with very many
 * changes only the first of them. What was 0 all the time is left out.
 */
export async function levelHistory(
  db: Db,
  accountId: string,
  window: Window,
): Promise<LevelHistory[]> {
  const events = sql`
    select at, level, size_tenths from standing_event e
    where e.account_id = ${accountId} and e.meter = known.meter and e.resource = known.resource`;
  const { rows } = await sql<LevelRow>`
    /* prepare level_history */
    select known.meter as kind, known.resource as name, step.at, step.level::int as level,
      step.size_tenths as "sizeTenths"
    from (
      select distinct meter, resource from series
      where account_id = ${accountId} and meter in ('app', 'database') and first_at < ${window.to}
      order by meter, resource limit ${MOST_RESOURCES}
    ) known
    cross join lateral (
      (${events} and e.at <= ${window.from}
        order by e.at desc, e.tie desc, e.event_id desc, e.source desc limit 1)
      union all
      (${events} and e.at > ${window.from} and e.at < ${window.to}
        order by e.at, e.tie, e.event_id, e.source limit ${MOST_STEPS})
    ) step
    order by known.meter, known.resource, step.at`.execute(db);
  const byResource = groupBy(rows, ({ kind, name }) => JSON.stringify([kind, name]));
  return [...byResource.values()]
    .map((ofOne): LevelHistory => {
      const { kind, name } = ofOne[0]!;
      return { kind, name, steps: ofOne.map((row) => ({ at: row.at, levelTenths: levelOf(row) })) };
    })
    .filter(({ steps }) => steps.some(({ levelTenths }) => levelTenths > 0));
}

type LevelRow = Pick<LevelHistory, 'kind' | 'name'> & {
  readonly at: Second;
  readonly level: number;
  readonly sizeTenths: number;
};

function levelOf({ kind, level, sizeTenths }: LevelRow): number {
  return kind === 'app' ? level : level * sizeTenths;
}
