import { sql } from 'kysely';
import type { Db } from '../database/pool.ts';
import { fitJobBounds } from '../metering/series/bounds.ts';
import { attachMonth, gatherMonth, partitionOf } from '../metering/months.ts';
import { insertLines } from '../metering/recording/event-line.ts';
import { assert } from '../values/fault.ts';
import type { Month } from '../values/month.ts';
import { readLines } from './files/read-file.ts';
import { requireWhole } from './files/require-whole.ts';

const LINES_AT_ONCE = 2000;
const ACCOUNTS_AT_ONCE = 200;
/** Whoever records waits for so long at most. */
const LOCK_TIMEOUT_MS = 2_000;

/**
 * Puts a month's events back from its file; those that stayed move to them and count as they do now. Once nothing
 * of an account is archived any more, nothing of it is settled either, but for what came too late meanwhile: that
 * counts nowhere. In one transaction; the file is read into a table of its own before others have to wait. Answers
 * how many came back; safe to repeat: a month that is not archived is left alone.
 *
 * @throws Fault `archive_damaged` for a file that is not the one that was written.
 */
export async function restoreMonth(db: Db, month: Month, directory: string): Promise<bigint> {
  const archived = await db
    .selectFrom('archived_month')
    .selectAll()
    .where('month', '=', month)
    .executeTakeFirst();
  if (archived === undefined) return 0n;
  await requireWhole(directory, archived);
  return await db.transaction().execute(async (tx) => {
    const { rows: held } = await sql`
      select from archived_month where month = ${month} for update`.execute(tx);
    if (held.length === 0) return 0n;
    await sql`create temp table restored (like event) on commit drop`.execute(tx);
    for await (const lines of inBatches(readLines(directory, archived.file)))
      await insertLines(tx, 'restored', lines);
    await sql`create index on restored (account_id, recording, source, event_id)`.execute(tx);
    await sql`set local lock_timeout = ${sql.lit(LOCK_TIMEOUT_MS)}`.execute(tx);
    await sql`lock table only event in access exclusive mode`.execute(tx);
    return await attach(tx, month);
  });
}

async function* inBatches(lines: AsyncIterable<string>): AsyncGenerator<readonly string[]> {
  let some: string[] = [];
  for await (const line of lines) {
    some.push(line);
    if (some.length < LINES_AT_ONCE) continue;
    yield some;
    some = [];
  }
  if (some.length > 0) yield some;
}

async function attach(tx: Db, month: Month): Promise<bigint> {
  const partition = sql.table(partitionOf(month));
  const carried = await gatherMonth(tx, month);
  const { numAffectedRows: back } = await sql`
    insert into ${partition}
    select * from restored where not exists (
      select from ${partition} there where there.account_id = restored.account_id
        and there.recording = restored.recording and there.source = restored.source
        and there.event_id = restored.event_id)`.execute(tx);
  const { rows } = await sql<{ left: bigint }>`
    select coalesce(sum(events), 0)::bigint as left
    from archived_account where month = ${month}`.execute(tx);
  assert(back === rows[0]!.left, `${back} events of ${month} are back, ${carried} had stayed`);
  await attachMonth(tx, month);
  await forget(tx, month);
  return back;
}

async function forget(tx: Db, month: Month): Promise<void> {
  const whole = sql`(
    select account_id from archived_account back where month = ${month} and not exists (
      select from archived_account other
      where other.account_id = back.account_id and other.month <> ${month}))`;
  await sql`delete from series_base using ${whole} whole
    where series_base.account_id = whole.account_id`.execute(tx);
  const { rows: jobs } = await sql<{ account_id: string }>`
    update job set is_archived = false from ${whole} whole
    where job.account_id = whole.account_id and is_archived returning job.account_id`.execute(tx);
  await sql`update account set settled_at = null from ${whole} whole
    where account.account_id = whole.account_id`.execute(tx);
  await sql`delete from archived_account where month = ${month}`.execute(tx);
  await sql`delete from archived_month where month = ${month}`.execute(tx);
  const withJobs = [...new Set(jobs.map((row) => row.account_id))];
  for (let from = 0; from < withJobs.length; from += ACCOUNTS_AT_ONCE) {
    await fitJobBounds(tx, withJobs.slice(from, from + ACCOUNTS_AT_ONCE));
  }
}
