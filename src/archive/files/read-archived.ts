import { z } from 'zod';
import type { Db } from '../../database/pool.ts';
import type { ReadArchived } from '../../proof/facts.ts';
import { compareBytes } from '../../values/text.ts';
import { readLines } from './read-file.ts';
import { requireWhole } from './require-whole.ts';

const LINES_AT_ONCE = 2000;

/**
 * Reads archived events of accounts from the files in a directory, each of which must be what the database says.
 * Files are sorted by account: accounts that are asked for in their order take one pass over them in all, and
 * memory for some lines. Not for calls at the same time.
 *
 * @throws Fault `archive_damaged` for a file that is missing or not the one that was written.
 */
export async function archivedReader(db: Db, directory: string): Promise<ReadArchived> {
  const months = await db.selectFrom('archived_month').selectAll().orderBy('month').execute();
  for (const month of months) await requireWhole(directory, month);
  const files = months.map(({ file }) => passing(directory, file));
  return async function* (account) {
    for (const linesOf of files) yield* linesOf(account);
  };
}

/** Reads the lines of accounts from one file, forward; from its beginning again for an account that was passed. */
function passing(directory: string, file: string): ReadArchived {
  let lines: AsyncGenerator<string> | undefined;
  let next: { readonly account: string; readonly line: string } | undefined;
  let passed = '';
  const step = async (): Promise<void> => {
    const { value, done } = await lines!.next();
    next = done ? undefined : { account: accountOf(value), line: value };
  };
  return async function* (account) {
    if (lines === undefined || compareBytes(account, passed) <= 0) {
      await lines?.return(undefined);
      lines = readLines(directory, file);
      await step();
    }
    passed = account;
    while (next !== undefined && compareBytes(next.account, account) < 0) await step();
    let found: string[] = [];
    for (; next?.account === account; await step()) {
      found.push(next.line);
      if (found.length < LINES_AT_ONCE) continue;
      yield found;
      found = [];
    }
    if (found.length > 0) yield found;
  };
}

/** The file is known by its digest to be what we wrote. */
function accountOf(line: string): string {
  return ofAccount.parse(JSON.parse(line)).account_id;
}

const ofAccount = z.object({ account_id: z.string() });
