import { sql, type RawBuilder } from 'kysely';
import { numberArray, textArray } from '../database/arrays.ts';
import type { Db } from '../database/pool.ts';
import { integralAt } from './integral.ts';
import type { Meter } from './level.ts';
import { gatherUsage, type Usage, type UsagePart, type Window } from './usage.ts';

export type AccountWindow = Window & { readonly account: string };

/**
 * What each account used over its window, exactly, in the order asked for; one statement for any number of
 * windows. The cost grows with the resources of the accounts, not with their history.
 */
export async function usageOf(db: Db, windows: readonly AccountWindow[]): Promise<Usage[]> {
  if (windows.length === 0) return [];
  const from = sql<bigint>`asked.from_at`;
  const to = sql<bigint>`asked.to_at`;
  const { rows } = await sql<UsageRow>`${
    windows.length === 1 ? sql`/* prepare usage_of_one */` : sql`/* prepare usage_of */`
  }
    select asked.position, series.meter, series.resource, series.size_tenths as "sizeTenths",
      coalesce(database_app.app, series.resource) as app,
      (${integralAt(to)}) - (${integralAt(from)}) as units
    from ${asked(windows)} as asked (account_id, from_at, to_at, position)
    join series on series.account_id = asked.account_id and series.first_at < asked.to_at
      and asked.from_at < asked.to_at
    left join database_app on series.meter = 'database'
      and database_app.account_id = series.account_id
      and database_app.database = series.resource`.execute(db);
  const parts: UsagePart[][] = windows.map(() => []);
  for (const { position, ...part } of rows) parts[Number(position) - 1]!.push(part);
  return parts.map(gatherUsage);
}

/**
 * One window is a row, not an array of one: PostgreSQL knows how many rows that is without seeing the values,
 * so it plans once and not, ten times as long as the reading itself, at every call.
 */
function asked(windows: readonly AccountWindow[]): RawBuilder<unknown> {
  if (windows.length === 1) {
    const { account, from, to } = windows[0]!;
    return sql`(values (${account}::text, ${from}::bigint, ${to}::bigint, 1::bigint))`;
  }
  return sql`unnest(
      ${textArray(windows.map((window) => window.account))}::text[],
      ${numberArray(windows.map((window) => window.from))}::bigint[],
      ${numberArray(windows.map((window) => window.to))}::bigint[]
    ) with ordinality`;
}

type UsageRow = {
  readonly position: bigint;
  readonly meter: Meter;
  readonly app: string;
  readonly resource: string;
  readonly sizeTenths: number;
  readonly units: bigint;
};
