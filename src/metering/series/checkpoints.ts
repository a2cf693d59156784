import { sql } from 'kysely';
import { numberArray, textArray } from '../../database/arrays.ts';
import type { Db } from '../../database/pool.ts';
import type { Second } from '../../values/instant.ts';
import { integralAt } from './integral.ts';

export type Cut = { readonly account: string; readonly at: Second };

/**
 * Keeps the integral of every series of the accounts at the given instants, where windows will be cut.
 * Needs the accounts' lock. Safe to repeat: late events keep checkpoints right, so existing ones stay. Where
 * events are archived nothing is billed any more, and no checkpoint is made that was not kept before.
 */
export async function cutSeries(tx: Db, cuts: readonly Cut[]): Promise<void> {
  if (cuts.length === 0) return;
  const at = sql<bigint>`cut.at`;
  await sql`
    /* prepare cut_series */
    with cut as (
      select * from unnest(
        ${textArray(cuts.map((cut) => cut.account))}::text[],
        ${numberArray(cuts.map((cut) => cut.at))}::bigint[]) as cut (account_id, at)
    ),
    kept as (
      insert into checkpoint (account_id, meter, resource, size_tenths, at, integral_units)
      select * from (
        select series.account_id, series.meter, series.resource, series.size_tenths, cut.at,
          ${integralAt(at)} as units
        from cut join series on series.account_id = cut.account_id
        where series.first_at < cut.at
      ) known where units is not null
      order by 1, 2, 3, 4
      on conflict do nothing
    )
    update account set last_cut_at = greatest(account.last_cut_at, cut.at)
    from (select account_id, max(at) as at from cut group by account_id) cut
    where account.account_id = cut.account_id and account.last_cut_at < cut.at`.execute(tx);
}
