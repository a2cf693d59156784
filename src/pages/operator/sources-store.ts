import { sql } from 'kysely';
import type { Db } from '../../database/pool.ts';
import { toDate, type Second } from '../../values/instant.ts';

export type SilentSource = { readonly source: string; readonly since: Date };

/** Sources that report no more though they should. */
export async function listSilentSources(db: Db): Promise<readonly SilentSource[]> {
  const { rows } = await sql<{ readonly source: string; readonly since: Second }>`
    select source, silent_since as since from source
    where silent_since is not null order by silent_since limit 20`.execute(db);
  return rows.map(({ source, since }) => ({ source, since: toDate(since) }));
}
