import { sql } from 'kysely';
import type { Db } from '../../database/pool.ts';
import type { Levels } from './levels.ts';

/** What an account runs by its latest events. */
export async function levelsOf(db: Db, accountId: string): Promise<Levels> {
  const { rows } = await sql<LevelRow>`
    /* prepare levels_of */
    select series.meter, series.resource, series.size_tenths as "sizeTenths", series.level,
      coalesce(database_app.app, series.resource) as app
    from series left join database_app on series.meter = 'database'
      and database_app.account_id = series.account_id and database_app.database = series.resource
    where series.account_id = ${accountId} and series.level > 0
      and series.meter in ('app', 'database')
    order by app, series.resource, series.size_tenths`.execute(db);
  return {
    apps: rows.flatMap(({ meter, app, level }) =>
      meter === 'app' ? [{ app, levelTenths: level }] : [],
    ),
    databases: rows.flatMap(({ meter, app, resource: database, sizeTenths }) =>
      meter === 'database' ? [{ app, database, sizeTenths }] : [],
    ),
  };
}

type LevelRow = {
  readonly meter: 'app' | 'database';
  readonly resource: string;
  readonly sizeTenths: number;
  readonly level: bigint;
  readonly app: string;
};
