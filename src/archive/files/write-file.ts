import { createHash, type Hash } from 'node:crypto';
import { open, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { manifestPathOf, type Manifest } from './manifest.ts';

/** An event as it goes into a file. */
export type WrittenRow = {
  readonly account_id: string;
  readonly recorded_at: Date;
  readonly line: string;
};

/**
 * Writes a month's events, in the order given, and then its manifest. The file's name has a part of the digest of
 * its lines: so the same month gives the same name, and nothing else is ever overwritten. Each is written under
 * another name, synced and renamed, so that what bears its name is whole. Memory does not grow with the month.
 */
export async function writeMonthFile(
  directory: string,
  month: string,
  schema: string,
  rows: AsyncIterable<readonly WrittenRow[]>,
): Promise<Manifest> {
  const partial = path.join(directory, `events-${month}.partial`);
  const lines = createHash('sha256');
  const compressed = createHash('sha256');
  const counted = { rows: 0, accounts: 0, account: '', first: Infinity, last: -Infinity };
  try {
    await pipeline(
      Readable.from(textOf(rows, counted)),
      hashing(lines),
      createGzip(),
      hashing(compressed),
      (await open(partial, 'w')).createWriteStream({ flush: true }),
    );
    const linesSha256 = lines.digest('hex');
    const file = `events-${month}.${linesSha256.slice(0, 12)}.jsonl.gz`;
    const written: Manifest = {
      format: 'gigameter-archive/1',
      month,
      file,
      rows: counted.rows,
      accounts: counted.accounts,
      first_recorded_at: counted.rows === 0 ? null : new Date(counted.first).toISOString(),
      last_recorded_at: counted.rows === 0 ? null : new Date(counted.last).toISOString(),
      file_bytes: (await stat(partial)).size,
      file_sha256: compressed.digest('hex'),
      lines_sha256: linesSha256,
      schema,
    };
    await rename(partial, path.join(directory, file));
    await writeSynced(manifestPathOf(directory, file), JSON.stringify(written, undefined, 2));
    await syncDirectory(directory);
    return written;
  } finally {
    await rm(partial, { force: true });
  }
}

type Counted = { rows: number; accounts: number; account: string; first: number; last: number };

async function* textOf(
  rows: AsyncIterable<readonly WrittenRow[]>,
  counted: Counted,
): AsyncGenerator<string> {
  for await (const some of rows) {
    for (const { account_id: account, recorded_at: recordedAt } of some) {
      if (counted.rows === 0 || account !== counted.account) counted.accounts += 1;
      counted.account = account;
      counted.rows += 1;
      counted.first = Math.min(counted.first, recordedAt.getTime());
      counted.last = Math.max(counted.last, recordedAt.getTime());
    }
    yield some.map(({ line }) => `${line}\n`).join('');
  }
}

/** Passes all on, and adds it to the digest. */
export function hashing(hash: Hash): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(undefined, chunk);
    },
  });
}

async function writeSynced(file: string, text: string): Promise<void> {
  const partial = `${file}.partial`;
  const handle = await open(partial, 'w');
  try {
    await handle.writeFile(`${text}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(partial, file);
}

/** Else a name could be gone after a power cut though its file is there. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
