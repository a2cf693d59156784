import { link, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';

/**
 * What postmaster.pid says: `unreadable` also for the moment in which a starting server has not
 * written all of it; `stale` when its process is gone and PostgreSQL would still refuse to start.
 */
export type PidFile =
  | { readonly kind: 'absent' | 'dead' | 'unreadable' }
  | { readonly kind: 'stale'; readonly text: string }
  | { readonly kind: 'alive'; readonly pid: number; readonly port: number };

export function pidFilePath(cluster: string): string {
  return path.join(cluster, 'postmaster.pid');
}

export async function readPidFile(cluster: string): Promise<PidFile> {
  const text = await readFile(pidFilePath(cluster), 'utf8').catch(nullIfMissing);
  if (text === null) return { kind: 'absent' };
  // Line 1 is the process id, line 4 the port.
  const [pid, , , port] = text.split('\n').map(Number);
  if (!isPositive(pid)) return { kind: 'unreadable' };
  if (!isProcessAlive(pid)) return { kind: 'dead' };
  if ((await isPostgres(pid)) === false) return { kind: 'stale', text };
  return isPositive(port) ? { kind: 'alive', pid, port } : { kind: 'unreadable' };
}

/**
 * Takes a stale pid file away. PostgreSQL does that itself, except while the process id belongs to
 * a zombie or was given to another program, as happens after a restart of a container.
 */
export async function removeStalePidFile(cluster: string, text: string): Promise<void> {
  const file = pidFilePath(cluster);
  const aside = `${file}.stale-${process.pid}`;
  if ((await rename(file, aside).catch(nullIfMissing)) === null) return;
  // Another process may have started a server between our look and our rename: give its file back.
  if ((await readFile(aside, 'utf8')) !== text) await link(aside, file);
  await rm(aside, { force: true });
}

export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** Null where the system has no /proc to ask. A zombie's command line is empty. */
async function isPostgres(pid: number): Promise<boolean | null> {
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => null);
  return commandLine === null ? null : commandLine.includes('postgres');
}

function isPositive(value: number | undefined): value is number {
  return Number.isInteger(value) && Number(value) > 0;
}

function nullIfMissing(error: unknown): null {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
  throw error;
}
