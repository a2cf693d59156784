import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { Db } from '../database/pool.ts';
import { readManifest } from './files/manifest.ts';
import { findDamage } from './files/read-file.ts';
import { expectedOf } from './files/require-whole.ts';

export type CheckedFile = {
  readonly file: string;
  /** Undefined for a file that no archived month of this database is in. */
  readonly month: string | undefined;
  /** What is wrong with it; undefined when nothing is. */
  readonly damage: string | undefined;
};

/**
 * Reads every file of a directory to its end and holds it against its manifest, and, for months of this database,
 * against what was noted when it was archived. A missing one is damaged.
 */
export async function verifyArchive(db: Db, directory: string): Promise<CheckedFile[]> {
  const months = await db.selectFrom('archived_month').selectAll().orderBy('month').execute();
  const checked = new Map<string, CheckedFile>();
  for (const archived of months) {
    const { file, month } = archived;
    checked.set(file, { file, month, damage: await findDamage(directory, expectedOf(archived)) });
  }
  for (const name of (await readdir(directory)).toSorted()) {
    if (!/^events-.*\.json$/.test(name)) continue;
    const manifest = await readManifest(path.join(directory, name));
    const before = checked.get(manifest.file);
    if (before?.damage !== undefined) continue;
    const damage = await findDamage(directory, manifest);
    checked.set(manifest.file, { file: manifest.file, month: before?.month, damage });
  }
  return [...checked.values()];
}
