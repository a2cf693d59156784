import { sql } from 'kysely';
import type { Db } from '../src/database/pool.ts';
import { END } from './reports.ts';

export type AppUsage = { readonly account: string; readonly app: string; readonly units: bigint };

/** How peers answer: each level from its event to the next one, over all events of the window. */
export async function queryWindow(
  db: Db,
  accounts: readonly string[],
  until = END,
): Promise<AppUsage[]> {
  const { rows } = await sql<AppUsage>`
    select account_id as account, app, sum(level * (until - at))::bigint as units from (
      select account_id, app, level, at, coalesce(lead(at) over (partition by account_id, resource
        order by at, tie, event_id, source), ${until}::bigint) as until
      from event where account_id = any(${accounts}::text[]) and meter = 'app' and not is_superseded
    ) stretch group by account_id, app order by account_id, app`.execute(db);
  return rows;
}
