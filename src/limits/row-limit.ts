import { sql } from 'kysely';
import { addSignals } from '../accounts/signals.ts';
import { textArray } from '../database/arrays.ts';
import type { Db } from '../database/pool.ts';
import type { EventOf } from '../events/event.ts';
import { assert } from '../values/fault.ts';
import { formatSecond, type Second } from '../values/instant.ts';
import { FREE_DATABASE_ROWS, freeDatabaseRows } from './rules.ts';
import { addViolations } from './violation-store.ts';

type RowsObserved = EventOf<'database.rows_observed'>;

/**
 * Brings the marks of free databases in line with what was observed of them, in any order: a database is
 * limited while its latest observation exceeds the limit, since the first one that did so without a break
 * (R21). The platform is told when a mark comes or goes; queries are its business.
 */
export async function reviewRowLimits(
  tx: Db,
  now: Date,
  observed: readonly RowsObserved[],
): Promise<void> {
  const states = await readStates(tx, observed);
  const ended = states.filter(({ limitedAt, wasLimited }) => limitedAt === null && wasLimited);
  await clear(tx, now, ended);
  const limited = states.filter(isLimited);
  await mark(tx, limited);
  const fresh = limited.filter(({ wasLimited }) => !wasLimited);
  await addSignals(
    tx,
    now,
    fresh.map(({ accountId, database, rows, limitedAt }) => ({
      accountId,
      kind: 'database.row_limit_exceeded',
      details: { database, rows: Number(rows), limited_at: formatSecond(limitedAt) },
    })),
  );
  await addViolations(
    tx,
    now,
    fresh.map(({ accountId, database, rows }) => ({
      event: lastStraw(observed, accountId, database),
      code: 'free_database_rows',
      subject: database,
      message: freeDatabaseRows(rows),
    })),
  );
}

async function mark(tx: Db, limited: readonly Limited[]): Promise<void> {
  if (limited.length === 0) return;
  await tx
    .insertInto('database_row_limit')
    .values(
      limited.map(({ accountId, database, rows, limitedAt }) => {
        return { account_id: accountId, database, rows, limited_at: limitedAt };
      }),
    )
    .onConflict((conflict) =>
      conflict.columns(['account_id', 'database']).doUpdateSet((given) => ({
        rows: given.ref('excluded.rows'),
        limited_at: given.ref('excluded.limited_at'),
      })),
    )
    .execute();
}

/** An upgrade lifts the row limits of an account at once (R27). */
export async function clearRowLimits(
  tx: Db,
  now: Date,
  accountIds: readonly string[],
): Promise<void> {
  await clear(
    tx,
    now,
    accountIds.map((accountId) => ({ accountId, database: null })),
  );
}

/** Since when each limited database of an account is limited. */
export async function readRowLimits(
  db: Db,
  accountId: string,
): Promise<ReadonlyMap<string, Second>> {
  const rows = await db
    .selectFrom('database_row_limit')
    .select(['database', 'limited_at'])
    .where('account_id', '=', accountId)
    .execute();
  return new Map(rows.map(({ database, limited_at: limitedAt }) => [database, limitedAt]));
}

/** Takes the marks of databases away, or those of all databases of an account. */
async function clear(
  tx: Db,
  now: Date,
  which: readonly { readonly accountId: string; readonly database: string | null }[],
): Promise<void> {
  if (which.length === 0) return;
  const { rows } = await sql<{ readonly accountId: string; readonly database: string }>`
    delete from database_row_limit limited
    using unnest(
      ${textArray(which.map(({ accountId }) => accountId))}::text[],
      ${textArray(which.map(({ database }) => database))}::text[]
    ) as which (account_id, database)
    where limited.account_id = which.account_id
      and (which.database is null or limited.database = which.database)
    returning limited.account_id as "accountId", limited.database`.execute(tx);
  const kind = 'database.row_limit_cleared';
  await addSignals(
    tx,
    now,
    rows.map(({ accountId, database }) => ({ accountId, kind, details: { database } })),
  );
}

function lastStraw(
  observed: readonly RowsObserved[],
  accountId: string,
  database: string,
): RowsObserved {
  const event = observed
    .filter(({ account, fact }) => account === accountId && fact.database === database)
    .findLast(({ fact }) => fact.rows > FREE_DATABASE_ROWS);
  assert(event !== undefined, `what limits database ${database} was observed just now`);
  return event;
}

type Limited = RowState & { readonly limitedAt: Second };

function isLimited(state: RowState): state is Limited {
  return state.limitedAt !== null;
}

type RowState = {
  readonly accountId: string;
  readonly database: string;
  /** At the latest observation. */
  readonly rows: bigint;
  readonly limitedAt: Second | null;
  readonly wasLimited: boolean;
};

/** The states of the observed databases of accounts that are not upgraded, from all their observations. */
async function readStates(tx: Db, observed: readonly RowsObserved[]): Promise<readonly RowState[]> {
  const { rows } = await sql<RowState>`
    /* prepare read_row_states */
    with touched as (
      select distinct account_id, database from unnest(
        ${textArray(observed.map(({ account }) => account))}::text[],
        ${textArray(observed.map(({ fact }) => fact.database))}::text[]
      ) as touched (account_id, database)
    )
    select touched.account_id as "accountId", touched.database, latest.rows,
      case when latest.rows > ${FREE_DATABASE_ROWS} then (
        select min(e.at) from event e
        where e.account_id = touched.account_id and e.type = 'database.rows_observed'
          and e.details ->> 'database' = touched.database
          and (fine.at is null
            or (e.at, e.tie, e.event_id, e.source) > (fine.at, fine.tie, fine.event_id, fine.source))
      ) end as "limitedAt",
      limited.database is not null as "wasLimited"
    from touched
    join account on account.account_id = touched.account_id and upgraded_at is null
    join lateral (
      select (details ->> 'rows')::bigint as rows from event e
      where e.account_id = touched.account_id and e.type = 'database.rows_observed'
        and e.details ->> 'database' = touched.database
      order by e.at desc, e.tie desc, e.event_id desc, e.source desc limit 1
    ) latest on true
    left join lateral (
      select at, tie, event_id, source from event e
      where e.account_id = touched.account_id and e.type = 'database.rows_observed'
        and e.details ->> 'database' = touched.database
        and (e.details ->> 'rows')::bigint <= ${FREE_DATABASE_ROWS}
      order by e.at desc, e.tie desc, e.event_id desc, e.source desc limit 1
    ) fine on true
    left join database_row_limit limited on limited.account_id = touched.account_id
      and limited.database = touched.database
    order by touched.account_id, touched.database`.execute(tx);
  return rows;
}
