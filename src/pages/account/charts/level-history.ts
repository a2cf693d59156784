import { sql } from 'kysely';
import type { Db } from '../../../database/pool.ts';
import type { Window } from '../../../metering/usage/usage.ts';
import { groupBy } from '../../../values/group.ts';
import type { Second } from '../../../values/instant.ts';

/** How much of an app or database ran from each instant on: its replicas × size, or its size, in tenths. */
export type LevelHistory = {
  readonly kind: 'app' | 'database';
  readonly name: string;
  readonly steps: readonly { readonly at: Second; readonly levelTenths: number }[];
};

/** Of events closer together than this part of the window, the last and the one of the highest level stay. */
const BUCKETS = 150n;
const MOST_RESOURCES = 50;

/**
 * The levels of an account within a window, from the last event before it on; as many steps as can be seen,
 * however many events there were. What was 0 all the time is left out. The cost grows with the window, not
 * with the history.
 */
export async function levelHistory(
  db: Db,
  accountId: string,
  { from, to }: Window,
): Promise<LevelHistory[]> {
  const columns = sql`at, tie, event_id, source, level, size_tenths`;
  const ofResource = sql`standing_event e where e.account_id = ${accountId}
    and e.meter = known.meter and e.resource = known.resource`;
  const bucket = sql`(at - ${from}::bigint) / ${(to - from) / BUCKETS + 1n}::bigint`;
  const ofBucket = sql`over (partition by known.meter, known.resource, ${bucket}`;
  const { rows } = await sql<LevelRow>`/* prepare level_history */
    select kind, name, at, level, "sizeTenths"
    from (
      select known.meter as kind, known.resource as name, step.at, step.level::int as level,
        step.size_tenths as "sizeTenths", tie, event_id, source,
        row_number() ${ofBucket} order by at desc, tie desc, event_id desc, source desc) as from_end,
        row_number() ${ofBucket} order by level * size_tenths desc, level desc, at) as from_top
      from (
        select meter, resource from series
        where account_id = ${accountId} and meter in ('app', 'database') and first_at < ${to}
        group by meter, resource
        order by max(level * greatest(size_tenths, 1)) desc, meter, resource limit ${MOST_RESOURCES}
      ) known
      cross join lateral (
        (select ${columns} from ${ofResource} and e.at <= ${from}
          order by at desc, tie desc, event_id desc, source desc limit 1)
        union all
        (select ${columns} from ${ofResource} and e.at > ${from} and e.at < ${to})
      ) step
    ) step
    where from_end = 1 or from_top = 1
    order by kind, name, at, tie, event_id, source`.execute(db);
  const byResource = groupBy(rows, ({ kind, name }) => JSON.stringify([kind, name]));
  return [...byResource.values()]
    .map((ofOne): LevelHistory => {
      const { kind, name } = ofOne[0]!;
      // What held for no second was never run.
      const lasting = ofOne.filter(({ at }, index) => ofOne[index + 1]?.at !== at);
      const steps = lasting.map((row) => ({ at: row.at, levelTenths: levelOf(row) }));
      return { kind, name, steps };
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
