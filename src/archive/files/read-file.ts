import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import path from 'node:path';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { hashing } from './write-file.ts';

/** What a file must be, as its manifest or the database says. */
export type Expected = {
  readonly file: string;
  readonly rows: number;
  readonly file_sha256: string;
  readonly lines_sha256: string;
};

/** Reads a file to its end and answers what is wrong with it, undefined when nothing is. */
export async function findDamage(
  directory: string,
  expected: Expected,
): Promise<string | undefined> {
  const compressed = createHash('sha256');
  const lines = createHash('sha256');
  let rows = 0;
  const counting = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.update(chunk);
      for (const byte of chunk) if (byte === LINE_FEED) rows += 1;
      done();
    },
  });
  try {
    await pipeline(
      createReadStream(path.join(directory, expected.file)),
      hashing(compressed),
      createGunzip(),
      counting,
    );
  } catch (error) {
    return `it cannot be read to its end: ${error instanceof Error ? error.message : String(error)}`;
  }
  if (compressed.digest('hex') !== expected.file_sha256) return 'its bytes are not those written';
  if (lines.digest('hex') !== expected.lines_sha256) return 'its lines are not those written';
  if (rows !== expected.rows) return `it has ${rows} lines instead of ${expected.rows}`;
  return undefined;
}

const LINE_FEED = 10;

/** The lines of a file, one by one; whoever needs them to be right has called `findDamage` before. */
export async function* readLines(directory: string, file: string): AsyncGenerator<string> {
  const source = createReadStream(path.join(directory, file));
  const text = source.pipe(createGunzip()).setEncoding('utf8');
  source.on('error', (error) => text.destroy(error));
  try {
    let rest = '';
    for await (const chunk of text as AsyncIterable<string>) {
      // Of all that may end a line elsewhere, only the line feed does here: JSON holds the others as they are.
      const lines = (rest + chunk).split('\n');
      rest = lines.pop()!;
      yield* lines;
    }
  } finally {
    source.destroy();
    text.destroy();
  }
}
