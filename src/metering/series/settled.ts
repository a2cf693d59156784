import { sql, type RawBuilder } from 'kysely';
import { numberArray, textArray } from '../../database/arrays.ts';
import type { Db } from '../../database/pool.ts';
import type { Event } from '../../events/event.ts';
import type { Second } from '../../values/instant.ts';
import type { EventRow } from './event-row.ts';

type Sought = { readonly event: Event; readonly row: EventRow };

/**
 * Which of the events, by position, are about what is settled: a time before the base of their series begins to
 * count (`until_at`), or a job whose own events may be archived. Nothing they say can change the meter any more,
 * since what they would change may not be there. `settledAt` of their accounts, by position, spares the look
 * for events that cannot be meant.
 */
export async function findSettled(
  tx: Db,
  sought: readonly Sought[],
  settledAt: readonly (Second | null)[],
): Promise<ReadonlySet<number>> {
  const asked = sought.flatMap(({ row }, position) => {
    const before = settledAt[position] ?? null;
    if (before === null || row.meter === null) return [];
    return row.meter === 'job' || row.at < before ? [position] : [];
  });
  if (asked.length === 0) return new Set();
  const given = asked.map((position) => sought[position]!);
  const { rows } = await sql<{ position: number }>`
    /* prepare find_settled */
    select given.position
    from unnest(
      ${textArray(given.map(({ event }) => event.account))}::text[],
      ${textArray(given.map(({ row }) => row.meter))}::text[],
      ${textArray(given.map(({ row }) => row.resource))}::text[],
      ${textArray(given.map(({ row }) => row.app))}::text[],
      ${numberArray(given.map(({ row }) => row.at))}::bigint[],
      ${numberArray(asked)}::int[]
    ) as given (account_id, meter, resource, app, at, position)
    join account on account.account_id = given.account_id
    where case given.meter
      when 'job' then exists (
        select from job where job.account_id = account.account_id and job.app = given.app
          and job.job = given.resource and job.is_archived)
      else exists (
        select from series_base base where base.account_id = account.account_id
          and base.meter = given.meter and base.resource = given.resource
          and given.at < base.until_at)
      end`.execute(tx);
  return new Set(rows.map(({ position }) => position));
}

/** SQL: from when on events count of each series of the accounts that has a base. */
export function basesOf(accounts: readonly string[]): RawBuilder<unknown> {
  return sql`(select account_id, meter, resource, max(until_at) as until_at from series_base
    where account_id = any(${textArray(accounts)}::text[]) group by 1, 2, 3)`;
}
