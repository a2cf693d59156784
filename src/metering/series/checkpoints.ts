import { sql, type RawBuilder } from 'kysely';
import { numberArray, textArray } from '../../database/arrays.ts';
import type { Db } from '../../database/pool.ts';
import type { Second } from '../../values/instant.ts';
import { integralAt } from './integral.ts';

export type Cut = { readonly account: string; readonly at: Second };

/**
 * Keeps the integral of every series of the accounts at the given instants, where windows will be cut.
 * Needs the accounts' lock, and that the cuts are noted. Safe to repeat: late events keep checkpoints right, so
 * existing ones stay. Where events are archived nothing is billed any more, and no checkpoint is made that was not
 * kept before.
 */
export async function cutSeries(tx: Db, cuts: readonly Cut[]): Promise<void> {
  if (cuts.length === 0) return;
  const at = sql<bigint>`cut.at`;
  await sql`
    /* prepare cut_series */
    insert into checkpoint (account_id, meter, resource, size_tenths, at, integral_units)
    select * from (
      select series.account_id, series.meter, series.resource, series.size_tenths, cut.at,
        ${integralAt(at)} as units
      from ${given(cuts)}
      join series on series.account_id = cut.account_id and series.first_at < cut.at
    ) known where units is not null
    order by 1, 2, 3, 4
    on conflict do nothing`.execute(tx);
}

/** Events before the latest cut change checkpoints too. The close notes its cuts itself. */
export async function noteCuts(tx: Db, cuts: readonly Cut[]): Promise<void> {
  if (cuts.length === 0) return;
  await sql`
    update account set last_cut_at = latest.at
    from (select account_id, max(at) as at from ${given(cuts)} group by account_id) latest
    where account.account_id = latest.account_id and account.last_cut_at < latest.at`.execute(tx);
}

function given(cuts: readonly Cut[]): RawBuilder<unknown> {
  return sql`unnest(
    ${textArray(cuts.map((cut) => cut.account))}::text[],
    ${numberArray(cuts.map((cut) => cut.at))}::bigint[]) as cut (account_id, at)`;
}
