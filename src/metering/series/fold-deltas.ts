import { sql, type RawBuilder } from 'kysely';
import { numberArray, textArray } from '../../database/arrays.ts';
import type { Db } from '../../database/pool.ts';
import { sharesOf, type Delta, type SeriesKey, type Share } from './deltas.ts';

/**
 * Folds level changes into the series, and into the checkpoints they reach back over; the account then
 * remembers since when closed periods may have changed (D3, R60). Answers the series that are new. Needs the
 * accounts' lock; not safe to repeat.
 */
export async function foldDeltas(tx: Db, deltas: readonly Delta[]): Promise<readonly SeriesKey[]> {
  const shares = sharesOf(deltas);
  if (shares.length === 0) return [];
  const created = (await update(tx, shares)) === shares.length ? [] : await create(tx, shares);
  const late = deltas.filter(({ at, lastCutAt }) => at < lastCutAt);
  if (late.length > 0) await correctCheckpoints(tx, late);
  return created;
}

/** Answers how many of the series there were. */
async function update(tx: Db, shares: readonly Share[]): Promise<number> {
  const { numAffectedRows } = await sql`
    /* prepare update_series */
    update series set
      level = series.level + share.level,
      offset_units = series.offset_units + share.offset_units,
      first_at = least(series.first_at, share.first_at),
      last_at = greatest(series.last_at, share.last_at)
    from ${sharesTable(shares)}
    where series.account_id = share.account_id and series.meter = share.meter
      and series.resource = share.resource and series.size_tenths = share.size_tenths`.execute(tx);
  return Number(numAffectedRows);
}

/** Also finds what is missing in a way that Citus can: there, no EXISTS may stand beside an array. */
async function create(tx: Db, shares: readonly Share[]): Promise<readonly SeriesKey[]> {
  const { rows } = await sql<SeriesKey>`
    /* prepare create_series */
    insert into series (account_id, meter, resource, size_tenths, level, offset_units, first_at,
      last_at)
    select share.* from ${sharesTable(shares)}
    join account on account.account_id = share.account_id
    left join series on series.account_id = account.account_id and series.meter = share.meter
      and series.resource = share.resource and series.size_tenths = share.size_tenths
    where series.account_id is null
    order by share.account_id, share.meter, share.resource
    returning account_id as account, meter, resource, size_tenths as "sizeTenths"`.execute(tx);
  return rows;
}

function sharesTable(shares: readonly Share[]): RawBuilder<unknown> {
  return sql`unnest(
      ${textArray(shares.map(({ account }) => account))}::text[],
      ${textArray(shares.map(({ meter }) => meter))}::text[],
      ${textArray(shares.map(({ resource }) => resource))}::text[],
      ${numberArray(shares.map(({ sizeTenths }) => sizeTenths))}::int[],
      ${numberArray(shares.map(({ level }) => level))}::bigint[],
      ${numberArray(shares.map(({ offsetUnits }) => offsetUnits))}::bigint[],
      ${numberArray(shares.map(({ firstAt }) => firstAt))}::bigint[],
      ${numberArray(shares.map(({ lastAt }) => lastAt))}::bigint[]
    ) as share (account_id, meter, resource, size_tenths, level, offset_units, first_at, last_at)`;
}

async function correctCheckpoints(tx: Db, late: readonly Delta[]): Promise<void> {
  await sql`
    /* prepare correct_checkpoints */
    with delta as (
      select * from unnest(
        ${textArray(late.map(({ account }) => account))}::text[],
        ${textArray(late.map(({ meter }) => meter))}::text[],
        ${textArray(late.map(({ resource }) => resource))}::text[],
        ${numberArray(late.map(({ sizeTenths }) => sizeTenths))}::int[],
        ${numberArray(late.map(({ change }) => change))}::bigint[],
        ${numberArray(late.map(({ at }) => at))}::bigint[],
        ${numberArray(late.map(({ until }) => until ?? null))}::bigint[]
      ) as delta (account_id, meter, resource, size_tenths, change, at, until)
    ),
    share as (
      select delta.account_id, delta.meter, delta.resource, delta.size_tenths, checkpoint.at,
        sum(change * (least(until, checkpoint.at) - delta.at))::bigint as units
      from delta
      join checkpoint on delta.at < checkpoint.at
        and checkpoint.account_id = delta.account_id and checkpoint.meter = delta.meter
        and checkpoint.resource = delta.resource and checkpoint.size_tenths = delta.size_tenths
      group by 1, 2, 3, 4, 5
    ),
    corrected as (
      update checkpoint set integral_units = checkpoint.integral_units + share.units
      from share
      where checkpoint.account_id = share.account_id and checkpoint.meter = share.meter
        and checkpoint.resource = share.resource and checkpoint.size_tenths = share.size_tenths
        and checkpoint.at = share.at
    )
    update account set late_since = least(account.late_since, late.at)
    from (select account_id, min(at) as at from delta group by account_id) late
    where account.account_id = late.account_id`.execute(tx);
}
