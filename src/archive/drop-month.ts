import { sql } from 'kysely';
import type { Db } from '../database/pool.ts';
import { isLockTimeout } from '../database/unavailable.ts';
import { Fault } from '../values/fault.ts';
import { findCarried } from './carried.ts';
import type { Manifest } from './files/manifest.ts';
import { partitionOf } from '../metering/months.ts';

/** Whoever is in the way for longer goes first; others queue up behind us for as long. */
const LOCK_TIMEOUT_MS = 500;
const ATTEMPTS = 10;
const PAUSE_MS = 500;

/**
 * Lets the events of a month go that are in its file: in one transaction its partition is taken out, what is
 * still needed is put among the events of other months, and the month is noted as archived. All that can be found
 * out before is: others wait for no more than the events that stay to be moved. Answers how many those are.
 *
 * @throws Fault `month_changed` when the partition is not what was written; `events_busy` when others were in
 *   the way all the time: try again. Then nothing was changed.
 */
export async function dropMonth(db: Db, now: Date, written: Manifest): Promise<number> {
  return await db.connection().execute(async (connection) => {
    try {
      await findCarried(connection, written.month);
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await takeOut(connection, now, written);
        } catch (error) {
          if (!isLockTimeout(error)) throw error;
          if (attempt === ATTEMPTS) throw busy(written.month);
          await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
        }
      }
    } finally {
      await sql`drop table if exists carried_key`.execute(connection);
    }
  });
}

async function takeOut(connection: Db, now: Date, written: Manifest): Promise<number> {
  const { month } = written;
  const partition = sql.table(partitionOf(month));
  return await connection.transaction().execute(async (tx) => {
    await sql`set local lock_timeout = ${sql.lit(LOCK_TIMEOUT_MS)}`.execute(tx);
    // Whoever records goes on: events of today are in a month of their own.
    await sql`lock table ${partition} in share row exclusive mode`.execute(tx);
    const { rows } = await sql<{ rows: bigint }>`select count(*) as rows from ${partition}`.execute(
      tx,
    );
    if (rows[0]!.rows !== BigInt(written.rows)) {
      const message = `${month} has ${rows[0]!.rows} events now instead of ${written.rows}: archive it again`;
      throw new Fault('conflict', 'month_changed', message);
    }
    await sql`
      insert into archived_account (account_id, month, events)
      select account_id, ${month}, count(*) - count(carried_key.recording)
      from ${partition} left join carried_key using (account_id, recording, source, event_id)
      group by account_id having count(*) > count(carried_key.recording)
      order by account_id`.execute(tx);
    // From here on everybody waits. One of them may hold what we ask for and wait for the month: then time runs out.
    await sql`lock table only event in access exclusive mode`.execute(tx);
    await sql`alter table event detach partition ${partition}`.execute(tx);
    const { numAffectedRows: carried } = await sql`
      insert into event_of_other_months
      select e.* from ${partition} e join carried_key using (account_id, recording, source, event_id)`.execute(
      tx,
    );
    await sql`drop table ${partition}`.execute(tx);
    await tx
      .insertInto('archived_month')
      .values({
        month,
        file: written.file,
        rows: BigInt(written.rows),
        carried: carried!,
        file_bytes: BigInt(written.file_bytes),
        file_sha256: written.file_sha256,
        lines_sha256: written.lines_sha256,
        archived_at: now,
      })
      .execute();
    return Number(carried);
  });
}

function busy(month: string): Fault {
  const message = `${month} is written, but others are at work on events all the time: try again`;
  return new Fault('unavailable', 'events_busy', message);
}
