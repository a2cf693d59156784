import { sql } from 'kysely';
import type { Db } from '../database/pool.ts';
import { addMonths, type Month } from '../values/month.ts';

/** Months are made so early that no night without the service leaves events without one. */
const MONTHS_AHEAD = 2;
/** Making a month waits for whoever writes events, and those that come meanwhile wait for it. */
const LOCK_TIMEOUT_MS = 2_000;

/**
 * Makes the partitions of this month and the next ones, and of all months that events were recorded in before
 * there was a partition for them; those move there. So events of one month lie together, apart from all others:
 * recording touches the newest month only, and an old one can be archived whole; what is carried over of archived
 * months stays where it is. Answers which were made, such as `2026-11`. Safe to repeat and to run anywhere at
 * once. Rejects when others are in the way for long; the next try may come at any time, since no event needs its
 * month.
 */
export async function prepareMonths(db: Db, now: Date): Promise<readonly Month[]> {
  const { rows } = await sql<{ month: Month }>`
    with recursive found as (
      select date_trunc('month', min(recorded_at), 'UTC') as month from event_of_other_months
      union all
      select (
        select date_trunc('month', min(recorded_at), 'UTC') from event_of_other_months
        where recorded_at >= found.month + interval '1 month')
      from found where month is not null
    )
    select to_char(month, 'YYYY-MM') as month from (
      select month from found where month is not null
      union
      select generate_series(date_trunc('month', ${now}::timestamptz, 'UTC'),
        date_trunc('month', ${now}::timestamptz, 'UTC') + ${sql.lit(`${MONTHS_AHEAD} months`)}::interval,
        '1 month')
    ) wanted
    where not exists (
      select from archived_month where archived_month.month = to_char(wanted.month, 'YYYY-MM'))
    order by 1`.execute(db);
  const made: Month[] = [];
  for (const { month } of rows) if (await makeMonth(db, month)) made.push(month);
  return made;
}

/** Answers whether it was missing. */
async function makeMonth(db: Db, month: Month): Promise<boolean> {
  return await db.transaction().execute(async (tx) => {
    await sql`set local lock_timeout = ${sql.lit(LOCK_TIMEOUT_MS)}`.execute(tx);
    // Whoever writes events waits, or would find that the place it had chosen is not the right one any more.
    await sql`lock table only event in share row exclusive mode`.execute(tx);
    const { rows } = await sql<{ isMade: boolean }>`
      select to_regclass(${partitionOf(month)}) is not null as "isMade"`.execute(tx);
    if (rows[0]!.isMade) return false;
    await gatherMonth(tx, month);
    await attachMonth(tx, month);
    return true;
  });
}

/** The partition of `event` that holds what was recorded in a month. */
export function partitionOf(month: Month): string {
  return `event_of_${month.replace('-', '_')}`;
}

/**
 * Makes a month's partition and moves there what lies among the events of other months; `attachMonth` puts it in
 * its place. Needs a lock of `event` that keeps writers away. Answers how many moved.
 */
export async function gatherMonth(tx: Db, month: Month): Promise<bigint> {
  const partition = sql.table(partitionOf(month));
  const { from, to } = boundsOf(month);
  await sql`create table ${partition} (like event including all)`.execute(tx);
  const ofMonth = sql`event_of_other_months where recorded_at >= ${from} and recorded_at < ${to}`;
  const { numAffectedRows } = await sql`insert into ${partition} select * from ${ofMonth}`.execute(
    tx,
  );
  await sql`delete from ${ofMonth}`.execute(tx);
  return numAffectedRows!;
}

/** Puts a month's table in its place among the partitions. Needs the lock that `gatherMonth` does. */
export async function attachMonth(tx: Db, month: Month): Promise<void> {
  const partition = sql.table(partitionOf(month));
  const { from, to } = boundsOf(month);
  // As protect_account_tables does for the tables that migrations make.
  await sql`create policy own_rows on ${partition} for select
    using (account_id = current_setting('gigameter.account_id', true))`.execute(tx);
  await sql`alter table ${partition} enable row level security`.execute(tx);
  // Where `event` is distributed, Citus distributes what is attached, with its rows.
  await sql`alter table event attach partition ${partition}
    for values from (${from}) to (${to})`.execute(tx);
}

/** [from, to) as literals: a statement that defines a table takes no parameters. */
function boundsOf(month: Month) {
  const first = (of: Month) => sql.lit(`${of}-01 00:00Z`);
  return { from: first(month), to: first(addMonths(month, 1)) };
}
