import type { Db } from '../../database/pool.ts';
import type { ArchivedEvent, ReadArchived } from '../../proof/archived.ts';
import { compareBytes } from '../../values/text.ts';
import { eventLine, type EventLine } from './event-line.ts';
import { readLines } from './read-file.ts';
import { requireWhole } from './require-whole.ts';

/**
 * Reads archived events of accounts from the files in a directory, each of which must be what the database says.
 * Files are sorted by account: accounts that are asked for in their order take one pass over them in all, and
 * memory for one account at a time. Not for calls at the same time.
 *
 * @throws Fault `archive_damaged` for a file that is missing or not the one that was written.
 */
export async function archivedReader(db: Db, directory: string): Promise<ReadArchived> {
  const months = await db.selectFrom('archived_month').selectAll().orderBy('month').execute();
  for (const month of months) await requireWhole(directory, month);
  const files = months.map(({ file }) => passing(directory, file));
  return async (account) => {
    const found: ArchivedEvent[] = [];
    for (const linesOf of files) {
      for (const line of await linesOf(account)) found.push(toEvent(line));
    }
    return found;
  };
}

/** Reads the lines of accounts from one file, forward; from its beginning again for an account that was passed. */
function passing(directory: string, file: string): (account: string) => Promise<EventLine[]> {
  let lines: AsyncGenerator<string> | undefined;
  let next: EventLine | undefined;
  let passed = '';
  const step = async (): Promise<void> => {
    const { value, done } = await lines!.next();
    next = done ? undefined : eventLine.parse(JSON.parse(value));
  };
  return async (account) => {
    if (lines === undefined || compareBytes(account, passed) <= 0) {
      await lines?.return(undefined);
      lines = readLines(directory, file);
      await step();
    }
    passed = account;
    while (next !== undefined && compareBytes(next.account_id, account) < 0) await step();
    const found: EventLine[] = [];
    for (; next?.account_id === account; await step()) found.push(next);
    return found;
  };
}

function toEvent(line: EventLine): ArchivedEvent {
  return {
    source: line.source,
    id: line.event_id,
    type: line.type,
    at: line.at,
    tie: line.tie,
    meter: line.meter,
    resource: line.resource,
    app: line.app,
    level: line.level,
    sizeTenths: line.size_tenths,
    details: line.details,
    recording: line.recording,
    recordedAt: new Date(line.recorded_at),
    supersededIn: line.superseded_in,
  };
}
