import { sql, type RawBuilder } from 'kysely';
import type { Db } from '../database/pool.ts';
import { findArchivedPart, type ArchivedPart } from '../invoicing/explaining/archived-part.ts';
import { insertLines } from '../metering/recording/event-line.ts';

/** Reads an account's events in archived months as lines of their files, some that stayed in the database among them. */
export type ReadArchived = (account: string) => AsyncIterable<readonly string[]>;

/** All facts of an account, as one moment sees them. */
export type Facts = {
  readonly tx: Db;
  readonly account: string;
  /** Their rows: `event`, and beside it what was read of archived months. */
  readonly rows: RawBuilder<unknown>;
  /** What is archived and was not read. */
  readonly missing: ArchivedPart | undefined;
};

/**
 * Lets `work` ask an account's facts within one transaction, archived ones too where `readArchived` reads them: the
 * server sorts and keeps them, outside of its memory where they are many. Changes nothing.
 */
export async function withFacts<T>(
  db: Db,
  account: string,
  readArchived: ReadArchived | undefined,
  work: (facts: Facts) => Promise<T>,
): Promise<T> {
  return await db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (tx) => {
      const part = await findArchivedPart(tx, account);
      const own = sql`select * from event where account_id = ${sql.lit(account)}`;
      if (part === undefined || readArchived === undefined) {
        return await work({ tx, account, rows: sql`(${own})`, missing: part });
      }
      await sql`create temp table archived_fact (like event) on commit drop`.execute(tx);
      for await (const lines of readArchived(account)) {
        await insertLines(tx, 'archived_fact', lines);
      }
      // What is in the database counts as it is there.
      const rows = sql`(${own} union all
        select * from archived_fact where account_id = ${sql.lit(account)} and not exists (
          select from event there where there.account_id = archived_fact.account_id
            and there.recording = archived_fact.recording and there.source = archived_fact.source
            and there.event_id = archived_fact.event_id))`;
      return await work({ tx, account, rows, missing: undefined });
    });
}
