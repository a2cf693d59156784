import type { Selectable } from 'kysely';
import type { ArchivedMonth } from '../../database/tables.ts';
import { Fault } from '../../values/fault.ts';
import { findDamage, type Expected } from './read-file.ts';

/** What the file of an archived month must be. */
export function expectedOf({
  file,
  rows,
  file_sha256,
  lines_sha256,
}: Selectable<ArchivedMonth>): Expected {
  return { file, rows: Number(rows), file_sha256, lines_sha256 };
}

/**
 * Reads the file of an archived month to its end.
 *
 * @throws Fault `archive_damaged` for one that is missing or not the one that was written.
 */
export async function requireWhole(
  directory: string,
  archived: Selectable<ArchivedMonth>,
): Promise<void> {
  const damage = await findDamage(directory, expectedOf(archived));
  if (damage === undefined) return;
  const message = `${archived.file} is not the file of ${archived.month}: ${damage}`;
  throw new Fault('conflict', 'archive_damaged', message);
}
