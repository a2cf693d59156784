import { sql, type RawBuilder } from 'kysely';
import { numberArray, textArray } from '../../database/arrays.ts';
import type { Db } from '../../database/pool.ts';
import { Fault } from '../../values/fault.ts';
import { formatSecond } from '../../values/instant.ts';
import { integralAt, keptIntegralAt } from '../series/integral.ts';
import { gatherUsage, type Usage, type UsagePart, type Window } from './usage.ts';

export type AccountWindow = Window & { readonly account: string };

/**
 * What each account used over its window, exactly, in the order asked for; one statement for any number of
 * windows, and another one for those that begin or end in the middle of what happened, which no checkpoint
 * holds. The cost grows with the resources of the accounts, not with their history.
 *
 * @throws Fault `usage_archived` for a window that begins or ends, in the middle of what happened, where events
 *   are archived.
 */
export async function usageOf(db: Db, windows: readonly AccountWindow[]): Promise<Usage[]> {
  if (windows.length === 0) return [];
  const kept = await readParts(db, windows, keptIntegralAt);
  const open = kept.flatMap((parts, position) => (parts.every(isKnown) ? [] : [position]));
  const worked = await readParts(
    db,
    open.map((position) => windows[position]!),
    integralAt,
  );
  for (const [index, position] of open.entries()) kept[position] = worked[index]!;
  return kept.map((parts, position) => {
    const known = parts.filter(isKnown);
    if (known.length < parts.length) throw usageArchived(windows[position]!);
    return gatherUsage(known);
  });
}

function usageArchived({ account, from, to }: AccountWindow): Fault {
  const window = `from ${formatSecond(from)} to ${formatSecond(to)}`;
  const message =
    `what account ${JSON.stringify(account)} used ${window} cannot be told: events of it are archived; ` +
    'ask for whole billing periods, or restore the months (`gigameter archive list`)';
  return new Fault('conflict', 'usage_archived', message);
}

type Part = Omit<UsagePart, 'units'> & { readonly units: bigint | null };

function isKnown(part: Part): part is UsagePart {
  return part.units !== null;
}

/** Parts by window, in the order asked for; `units` is null where `integral` is. */
async function readParts(
  db: Db,
  windows: readonly AccountWindow[],
  integral: typeof keptIntegralAt,
): Promise<Part[][]> {
  if (windows.length === 0) return [];
  const name = [
    'usage',
    integral === integralAt ? 'between_events' : 'kept',
    windows.length === 1 ? 'one' : 'many',
  ].join('_');
  const { rows } = await sql<
    Part & { readonly position: bigint }
  >`${sql.raw(`/* prepare ${name} */`)}
    select asked.position, series.meter, series.resource, series.size_tenths as "sizeTenths",
      coalesce(database_app.app, series.resource) as app,
      (${integral(sql`asked.to_at`)}) - (${integral(sql`asked.from_at`)}) as units
    from ${asked(windows)} as asked (account_id, from_at, to_at, position)
    join series on series.account_id = asked.account_id and series.first_at < asked.to_at
      and asked.from_at < asked.to_at
    left join database_app on series.meter = 'database'
      and database_app.account_id = series.account_id
      and database_app.database = series.resource`.execute(db);
  const parts: Part[][] = windows.map(() => []);
  for (const part of rows) parts[Number(part.position) - 1]!.push(part);
  return parts;
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
