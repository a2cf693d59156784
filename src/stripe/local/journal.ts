import { closeSync, existsSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs';
import type { JsonObject } from './json.ts';

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

function recover(file: string): readonly Entry[] {
  const bytes = readFileSync(file);
  const end = bytes.lastIndexOf('\n') + 1;
  if (end < bytes.length) truncateSync(file, end);
  const lines = bytes
    .subarray(0, end)
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '');
  return lines.map((line): Entry => JSON.parse(line));
}
