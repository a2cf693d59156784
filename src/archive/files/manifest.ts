import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { Fault } from '../../values/fault.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** What stands beside each file: what is in it, and by what it is known to be whole. */
export const manifest = z.strictObject({
  format: z.literal('gigameter-archive/1'),
  month: z.string(),
  file: z.string().regex(/^[\w.-]+$/),
  rows: z.int().min(0),
  accounts: z.int().min(0),
  /** Null in an empty month. */
  first_recorded_at: z.string().nullable(),
  last_recorded_at: z.string().nullable(),
  file_bytes: z.int(),
  file_sha256: sha256,
  lines_sha256: sha256,
  /** The last migration of the database it was written from. */
  schema: z.string(),
});

export type Manifest = z.infer<typeof manifest>;

export function manifestPathOf(directory: string, file: string): string {
  return path.join(directory, file.replace(/\.jsonl\.gz$/, '.json'));
}

/** @throws Fault `archive_unreadable`. */
export async function readManifest(file: string): Promise<Manifest> {
  try {
    return manifest.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    throw new Fault('invalid', 'archive_unreadable', `${file} is not a manifest: ${why}`);
  }
}
