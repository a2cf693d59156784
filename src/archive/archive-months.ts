import { mkdir } from 'node:fs/promises';
import { sql } from 'kysely';
import { numberArray, textArray } from '../database/arrays.ts';
import type { Db } from '../database/pool.ts';
import { partitionOf, prepareMonths } from '../metering/months.ts';
import { sealEvents } from '../proof/seal-events.ts';
import { Fault } from '../values/fault.ts';
import { formatSecond, type Second } from '../values/instant.ts';
import { addMonths, monthOf, startOf, type Month } from '../values/month.ts';
import { dropMonth } from './drop-month.ts';
import { findDamage } from './files/read-file.ts';
import type { Manifest } from './files/manifest.ts';
import { writeMonthFile } from './files/write-file.ts';
import { listMonths } from './list-months.ts';
import { atOneMoment, digestOf, rowsOf } from './month-rows.ts';
import type { Horizon } from './settling/settle-store.ts';
import { settleAccounts } from './settling/settle-accounts.ts';

export type Archived = Manifest & { readonly carried: number };

export type Archiving = {
  /** Months before this one. */
  readonly before: Month;
  /** Made where it does not exist. */
  readonly directory: string;
  /** Told of each month when it is archived. */
  readonly onMonth?: (archived: Archived) => void;
};

/**
 * Moves whole months of events out of the database into files, the oldest first: writes each, reads the file
 * back, compares it with the table, and only then drops it. What bills, the meter and the platform's commands
 * still ask for stays (see `findCarried`); identities stay for ever, so that repeats are known. Safe to repeat and
 * after any failure: a month either is archived or still there whole.
 *
 * @throws Fault `month_needed` when a bill may still depend on a month; `archive_damaged`, `month_changed` when
 *   what was written is not what is there; `events_busy`. Months that were told of before are archived.
 */
export async function archiveMonths(db: Db, now: Date, archiving: Archiving): Promise<void> {
  const { before, directory } = archiving;
  if (before > monthOf(now)) {
    const rule = `must not be after the present month, ${monthOf(now)}`;
    throw new Fault('invalid', 'invalid_month', `month is "${before}"; it ${rule}`);
  }
  await mkdir(directory, { recursive: true });
  await prepareMonths(db, now);
  const months = await findLiveMonths(db, before);
  if (months.length === 0) return;
  for await (const horizons of settleAccounts(db, now)) await refuseNeeded(db, before, horizons);
  for (const month of months) {
    await sealMonth(db, month);
    const written = await writeMonth(db, month, directory);
    await checkMonth(db, written, directory);
    const carried = await dropMonth(db, now, written);
    archiving.onMonth?.({ ...written, carried });
  }
}

/** Months before one whose events are in the database, the oldest first. */
export async function findLiveMonths(db: Db, before: Month): Promise<Month[]> {
  const months = await listMonths(db);
  return months
    .filter(({ month, state }) => state === 'live' && month < before)
    .map(({ month }) => month);
}

/** What is recorded may be true from five minutes later on. */
const AHEAD_SECONDS = 300n;

/** Throws when an account whose periods go on has events in those months that its bills may need. */
async function refuseNeeded(db: Db, before: Month, horizons: readonly Horizon[]): Promise<void> {
  const { rows } = await sql<{ account: string; at: Second; recordedAt: Date }>`
    select given.account_id as account, given.at, needed.recorded_at as "recordedAt"
    from unnest(
      ${textArray(horizons.map(({ accountId }) => accountId))}::text[],
      ${numberArray(horizons.map(({ at }) => at))}::bigint[]) as given (account_id, at)
    join account on account.account_id = given.account_id
    cross join lateral (
      select recorded_at from event where event.account_id = account.account_id
        and recorded_at >= date_trunc('month', to_timestamp(given.at - ${AHEAD_SECONDS}), 'UTC')
        and recorded_at < ${startOf(before)} and tableoid <> 'event_of_other_months'::regclass
      order by recorded_at limit 1
    ) needed
    order by recorded_at limit 1`.execute(db);
  const [needed] = rows;
  if (needed === undefined) return;
  const month = monthOf(needed.recordedAt);
  const message =
    `${month} is still needed: facts from ${formatSecond(needed.at)} on may change what account ` +
    `${JSON.stringify(needed.account)} is billed next; archive months before ${month}, ` +
    'or close the periods that are due first';
  throw new Fault('conflict', 'month_needed', message);
}

const ACCOUNTS_AT_ONCE = 500;

/** The chain proves what is archived: it must reach to the last event of each account in the month. */
async function sealMonth(db: Db, month: Month): Promise<void> {
  for (let after = ''; ;) {
    const { rows } = await sql<{ account: string; isSealed: boolean }>`
      select account.account_id as account, held.recording <= coalesce((
        select max(recording) from event_seal where event_seal.account_id = account.account_id
      ), 0) as "isSealed"
      from account join (
        select account_id, max(recording) as recording from ${sql.table(partitionOf(month))}
        where account_id > ${after} group by account_id order by account_id limit ${ACCOUNTS_AT_ONCE}
      ) held on held.account_id = account.account_id
      order by account.account_id`.execute(db);
    for (const { account, isSealed } of rows) if (!isSealed) await sealEvents(db, account);
    if (rows.length < ACCOUNTS_AT_ONCE) return;
    after = rows.at(-1)!.account;
  }
}

/** Writes the file of a month and its manifest; changes nothing in the database. */
export async function writeMonth(db: Db, month: Month, directory: string): Promise<Manifest> {
  return await atOneMoment(db, async (tx) => {
    const { rows } = await sql<{ schema: string }>`
      select max(name) as schema from kysely_migration`.execute(tx);
    return await writeMonthFile(directory, month, rows[0]!.schema, rowsOf(tx, month));
  });
}

/**
 * Reads the file back, and the table once more.
 *
 * @throws Fault `archive_damaged`, `month_changed`
 */
export async function checkMonth(db: Db, written: Manifest, directory: string): Promise<void> {
  const damage = await findDamage(directory, written);
  if (damage !== undefined) {
    const message = `${written.file} is not what was written: ${damage}; nothing of ${written.month} was dropped`;
    throw new Fault('conflict', 'archive_damaged', message);
  }
  const { rows, linesSha256 } = await digestOf(db, written.month);
  if (rows === written.rows && linesSha256 === written.lines_sha256) return;
  const message = `${written.month} has changed while it was written: archive it again`;
  throw new Fault('conflict', 'month_changed', message);
}

/** What `--before` is when months are archived after so many, such as `2025-01`. */
export function monthsBefore(now: Date, months: number): Month {
  return addMonths(monthOf(now), -months);
}
