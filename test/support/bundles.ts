import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Db } from '../../src/database/pool.ts';
import { writeBundle } from '../../src/proof/bundle.ts';
import type { ReadArchived } from '../../src/proof/facts.ts';

/** The lines of an invoice's bundle. */
export async function bundleOf(
  db: Db,
  account: string,
  invoiceId: string,
  readArchived?: ReadArchived,
): Promise<string[]> {
  const lines: string[] = [];
  await writeBundle(db, account, invoiceId, (some) => lines.push(...some), readArchived);
  return lines;
}

/** What an account holder finds who has nothing but Node. */
export function provenByScript(bundle: readonly string[] | Buffer): {
  readonly status: number | null;
  readonly stdout: string;
} {
  const folder = mkdtempSync(path.join(tmpdir(), 'bundle-'));
  try {
    const file = path.join(folder, 'bundle.jsonl');
    writeFileSync(
      file,
      Buffer.isBuffer(bundle) ? bundle : bundle.map((line) => `${line}\n`).join(''),
    );
    return spawnSync(process.execPath, ['tools/verify-bundle.mjs', file], { encoding: 'utf8' });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
