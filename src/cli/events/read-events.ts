import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Fault } from '../../values/fault.ts';

/** A line of an events file: its number, from 1, and the JSON on it, or the text when it is none. */
export type EventLine =
  | { readonly line: number; readonly reported: unknown }
  | { readonly line: number; readonly unreadable: string };

/** Reads a file of one JSON event per line, `-` for standard input, without holding it all. Empty lines are skipped. */
export async function* readEventLines(file: string): AsyncGenerator<EventLine> {
  let line = 0;
  for await (const text of linesOf(file)) {
    line += 1;
    const json = line === 1 ? text.replace(/^\uFEFF/, '') : text;
    if (json.trim() === '') continue;
    yield readLine(line, json);
  }
}

function readLine(line: number, json: string): EventLine {
  try {
    return { line, reported: JSON.parse(json) as unknown };
  } catch {
    return { line, unreadable: json.length > 100 ? `${json.slice(0, 100)}…` : json };
  }
}

async function* linesOf(file: string): AsyncGenerator<string> {
  try {
    if (file === '-') {
      yield* createInterface({ input: process.stdin, crlfDelay: Infinity });
    } else {
      const handle = await open(file);
      yield* handle.readLines();
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Fault('not_found', 'file_not_readable', `cannot read the events file: ${reason}`);
  }
}
