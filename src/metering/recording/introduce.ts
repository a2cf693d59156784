import { sql } from 'kysely';
import { textArray } from '../../database/arrays.ts';
import type { Db } from '../../database/pool.ts';
import { databaseEndedWithApp } from '../../events/derived.ts';
import type { Event, EventOf } from '../../events/event.ts';
import { readTieBreak } from '../../events/order.ts';

/**
 * Makes created apps known: they have a series from now on, at level 0 until they are deployed (R12). It
 * starts where the sign-up does, so that it is right for every instant.
 */
export async function introduceApps(
  tx: Db,
  created: readonly EventOf<'app.created'>[],
): Promise<void> {
  if (created.length === 0) return;
  await sql`
    insert into series (account_id, meter, resource, size_tenths, level, offset_units, first_at,
      last_at)
    select distinct account_id, 'app', app, 0, 0, 0, signed_up_at, signed_up_at
    from unnest(${textArray(created.map((event) => event.account))}::text[],
      ${textArray(created.map((event) => event.fact.app))}::text[]) as created (account_id, app)
    join account using (account_id)
    on conflict (account_id, meter, resource, size_tenths) do update set
      first_at = least(series.first_at, excluded.first_at)`.execute(tx);
}

/** Notes which app each database belongs to; the first report stays. */
export async function introduceDatabases(
  tx: Db,
  available: readonly EventOf<'database.available'>[],
): Promise<void> {
  if (available.length === 0) return;
  await tx
    .insertInto('database_app')
    .values(
      available.map(({ account, fact }) => ({
        account_id: account,
        database: fact.database,
        app: fact.app,
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/**
 * The ends of databases that follow from deletions of their apps (R56), whichever of the two was reported
 * first: of the apps deleted now, and of recorded deletions for databases that became known now.
 */
export async function databaseEnds(
  tx: Db,
  deleted: readonly EventOf<'app.deleted'>[],
  available: readonly EventOf<'database.available'>[],
): Promise<readonly Event[]> {
  const touched = [...deleted, ...available];
  if (touched.length === 0) return [];
  const { rows } = await sql<DeletionRow>`
    select distinct deletion.account_id, deletion.source, deletion.event_id, deletion.at,
      deletion.tie, database_app.app, database_app.database
    from unnest(${textArray(touched.map((event) => event.account))}::text[],
      ${textArray(touched.map((event) => event.fact.app))}::text[]) as touched (account_id, app)
    join database_app using (account_id, app)
    join standing_event deletion on deletion.account_id = touched.account_id
      and deletion.app = touched.app and deletion.type = 'app.deleted'`.execute(tx);
  return rows.map((row) => {
    const { fraction, sequence } = readTieBreak(row.tie);
    const deletion: EventOf<'app.deleted'> = {
      account: row.account_id,
      source: row.source,
      id: row.event_id,
      occurredAt: { second: row.at, fraction },
      sequence,
      fact: { type: 'app.deleted', app: row.app },
    };
    return databaseEndedWithApp(deletion, row.database);
  });
}

type DeletionRow = {
  readonly account_id: string;
  readonly source: string;
  readonly event_id: string;
  readonly at: bigint;
  readonly tie: string;
  readonly app: string;
  readonly database: string;
};
