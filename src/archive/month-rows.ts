import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { batchesOf } from '../database/cursor.ts';
import type { Db } from '../database/pool.ts';
import type { WrittenRow } from './files/write-file.ts';
import { partitionOf } from '../metering/months.ts';
import { EVENT_LINE } from '../metering/recording/event-line.ts';
import type { Month } from '../values/month.ts';

/**
 * The events of a month as one moment sees them, account by account in the order of the chain. Within a
 * transaction, whose cursor it is: memory does not grow with the month.
 */
export function rowsOf(tx: Db, month: Month): AsyncGenerator<readonly WrittenRow[]> {
  const query = sql<WrittenRow>`
    select account_id, recorded_at, ${EVENT_LINE} as line from ${sql.table(partitionOf(month))}
    order by account_id, recording, source, event_id`;
  return batchesOf(tx, 'month_rows', query);
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
