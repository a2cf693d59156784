import { spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { access, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Fault } from '../../values/fault.ts';
import type { Command, Owner } from './owner.ts';
import { isProcessAlive } from './pidfile.ts';

export const superuser = 'postgres';

/**
 * Makes the database files once: UTF-8, locale C, checksums, a random password.
 *
 * They are made in a folder of their own and renamed into place, so a crash never leaves half a
 * database, and of two processes that start together one wins and the other uses its result.
 * Safe to repeat.
 */
export async function ensureCluster(cluster: string, initdb: string, owner: Owner): Promise<void> {
  if (await exists(path.join(cluster, 'PG_VERSION'))) return;
  const dataDir = path.dirname(cluster);
  await removeLeftovers(dataDir);
  const workDir = path.join(dataDir, `${workPrefix}${process.pid}-${randomUUID()}`);
  await mkdir(workDir);
  try {
    await owner.own(workDir);
    await makeCluster(workDir, initdb, owner);
    await rename(path.join(workDir, 'cluster'), cluster).catch((error: unknown) => {
      if (!isTaken(error)) throw error;
    });
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}

/** @throws when the password file is gone: without it nobody can log in. */
export async function readPassword(cluster: string): Promise<string> {
  const file = path.join(cluster, 'password');
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw new Fault(
      'unavailable',
      'embedded_password',
      `Cannot read the embedded database's password from ${file} (${String(error)}). Restore the ` +
        `file, or delete ${path.dirname(cluster)} to start with an empty database.`,
    );
  }
}

const workPrefix = 'initialising-';

async function makeCluster(workDir: string, initdb: string, owner: Owner): Promise<void> {
  const password = path.join(workDir, 'password');
  const cluster = path.join(workDir, 'cluster');
  await writeFile(password, `${randomBytes(24).toString('hex')}\n`, { mode: 0o600 });
  await owner.own(password);
  const flags = ['--encoding=UTF8', '--locale=C', '--data-checksums', '--auth=scram-sha-256'];
  const who = [`--username=${superuser}`, `--pwfile=${password}`];
  await complete(owner.command(initdb, [`--pgdata=${cluster}`, ...who, ...flags]));
  await rename(password, path.join(cluster, 'password'));
}

function complete({ file, args, options }: Command): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { ...options, stdio: ['ignore', 'ignore', 'pipe'] });
    let complaints = '';
    child.stderr?.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`initdb failed with code ${code}:\n${complaints.trim()}`));
    });
  });
}

/** Half-made folders of processes that died on the way. */
async function removeLeftovers(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir)) {
    const pid = Number(/^initialising-(\d+)-/.exec(name)?.[1]);
    if (pid && !isProcessAlive(pid)) {
      await rm(path.join(dataDir, name), { recursive: true, force: true });
    }
  }
}

async function exists(file: string): Promise<boolean> {
  return await access(file).then(
    () => true,
    () => false,
  );
}

function isTaken(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  return code === 'ENOTEMPTY' || code === 'EEXIST';
}
