import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import type { Db } from '../database/pool.ts';
import { EVENT_LINE } from './files/event-line.ts';
import type { WrittenRow } from './files/write-file.ts';
import { partitionOf } from '../metering/months.ts';
import type { Month } from '../values/month.ts';

const ROWS_AT_ONCE = 2000;

/**
 * The events of a month as one moment sees them, account by account in the order of the chain. Within a
 * transaction, whose cursor it is: memory does not grow with the month.
 */
export async function* rowsOf(tx: Db, month: Month): AsyncGenerator<readonly WrittenRow[]> {
  await sql`declare month_rows no scroll cursor for
    select account_id, recorded_at, ${EVENT_LINE} as line from ${sql.table(partitionOf(month))}
    order by account_id, recording, source, event_id`.execute(tx);
  for (;;) {
    const { rows } = await sql<WrittenRow>`fetch ${sql.lit(ROWS_AT_ONCE)} from month_rows`.execute(
      tx,
    );
    if (rows.length > 0) yield rows;
    if (rows.length < ROWS_AT_ONCE) break;
  }
  await sql`close month_rows`.execute(tx);
}

/** Reads a month once more: how many events it has, and the digest of their lines. */
export async function digestOf(
  db: Db,
  month: Month,
): Promise<{ readonly rows: number; readonly linesSha256: string }> {
  return await atOneMoment(db, async (tx) => {
    const digest = createHash('sha256');
    let count = 0;
    for await (const rows of rowsOf(tx, month)) {
      for (const { line } of rows) digest.update(`${line}\n`);
      count += rows.length;
    }
    return { rows: count, linesSha256: digest.digest('hex') };
  });
}

export async function atOneMoment<T>(db: Db, work: (tx: Db) => Promise<T>): Promise<T> {
  return await db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(work);
}
