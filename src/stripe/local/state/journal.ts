import { closeSync, existsSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs';
import type { JsonObject } from '../json.ts';

/** One row written, or removed when the row is null. */
export type Change = readonly [table: string, id: string, row: JsonObject | null];
/** One committed mutation; `lastId` is the id counter after it. */
export type Entry = {
  readonly seed: string;
  readonly lastId: number;
  readonly changes: readonly Change[];
};

export type Journal = {
  readonly entries: readonly Entry[];
  readonly append: (entry: Entry) => void;
  readonly close: () => void;
};

/**
 * An append-only file of committed mutations, one JSON line each. Each line is handed to the kernel in one write, so it
 * survives kill -9 of this process (not a power cut). A last line torn by a crash was never answered and is cut off.
 */
export function openJournal(file: string): Journal {
  const entries = existsSync(file) ? recover(file) : [];
  const descriptor = openSync(file, 'a');
  return {
    entries,
    append: (entry) => {
      writeSync(descriptor, JSON.stringify(entry) + '\n');
    },
    close: () => closeSync(descriptor),
  };
}

/** Line by line: the whole file may be longer than the longest text. */
function recover(file: string): readonly Entry[] {
  const bytes = readFileSync(file);
  const entries: Entry[] = [];
  let start = 0;
  for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
    entries.push(JSON.parse(bytes.toString('utf8', start, end)));
    start = end + 1;
  }
  if (start < bytes.length) truncateSync(file, start);
  return entries;
}

const NEWLINE = 10;
