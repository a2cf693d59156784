import { sql } from 'kysely';
import { textArray } from '../../database/arrays.ts';
import type { Db } from '../../database/pool.ts';
import type { Second } from '../../values/instant.ts';
import type { Difference } from '../snapshots/compare-snapshot.ts';
import type { Correction } from '../snapshots/corrections.ts';
import type { Resource } from '../snapshots/snapshot.ts';
import type { Silence } from './silence-store.ts';

/** Notes what ends with a silence, in the transaction that records the ends. */
export async function noteEnds(
  tx: Db,
  { source, beganAt }: Silence,
  ends: readonly (Resource & { readonly end: Correction })[],
): Promise<void> {
  await sql`
    insert into silence_end (account_id, source, began_at, meter, resource, event_id)
    select account_id, ${source}, ${beganAt}, meter, resource, event_id
    from unnest(
      ${textArray(ends.map(({ account }) => account))}::text[],
      ${textArray(ends.map(({ kind }) => kind))}::text[],
      ${textArray(ends.map(({ name }) => name))}::text[],
      ${textArray(ends.map(({ end }) => end.id))}::text[]
    ) as given (account_id, meter, resource, event_id)
    on conflict do nothing`.execute(tx);
}

/** The next accounts, in order of their ids, of which something ended with a silence. */
export async function accountsOfEnds(
  db: Db,
  { source, beganAt }: Silence,
  after: string,
  limit: number,
): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('silence_end')
    .select('account_id')
    .distinct()
    .where('source', '=', source)
    .where('began_at', '=', beganAt)
    .where('account_id', '>', after)
    .orderBy('account_id')
    .limit(limit)
    .execute();
  return rows.map(({ account_id }) => account_id);
}

/**
 * What ended with a silence, of which nothing was reported since, up to `until`: with the state it ran at by
 * all reports of before, those that came late too.
 */
export async function findReturns(
  tx: Db,
  { source, beganAt }: Silence,
  until: Second,
  accountIds: readonly string[],
): Promise<readonly Difference[]> {
  const { rows } = await sql<ReturnRow>`
    select ended.account_id as account, ended.meter as kind, ended.resource as name,
      coalesce(database_app.app, ended.resource) as app, latest.at,
      before.level, before.size_tenths as "sizeTenths"
    from silence_end ended
    cross join lateral (
      select e.at, e.event_id, e.source from standing_event e
      where e.account_id = ended.account_id and e.meter = ended.meter
        and e.resource = ended.resource and e.at <= ${until}
      order by e.at desc, e.tie desc, e.event_id desc, e.source desc limit 1
    ) latest
    cross join lateral (
      select e.level, e.size_tenths from standing_event e
      where e.account_id = ended.account_id and e.meter = ended.meter
        and e.resource = ended.resource and e.at <= ${until}
        and (e.event_id, e.source) <> (ended.event_id, ended.source)
      order by e.at desc, e.tie desc, e.event_id desc, e.source desc limit 1
    ) before
    left join database_app on ended.meter = 'database'
      and database_app.account_id = ended.account_id and database_app.database = ended.resource
    where ended.source = ${source} and ended.began_at = ${beganAt}
      and ended.account_id = any(${textArray(accountIds)}::text[])
      and latest.event_id = ended.event_id and latest.source = ended.source
      and before.level > 0`.execute(tx);
  return rows.map(({ at, level, sizeTenths, ...resource }) => ({
    ...resource,
    metered: undefined,
    reported: {
      replicas: resource.kind === 'app' ? Number(level) / sizeTenths : 1,
      sizeTenths,
    },
    lastAt: { second: at, fraction: '' },
  }));
}

type ReturnRow = Resource & {
  readonly at: Second;
  readonly level: bigint;
  readonly sizeTenths: number;
};
