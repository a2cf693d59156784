import { readFileSync, readlinkSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { isProcessAlive } from '../../src/database/embedded/pidfile.ts';

/** Ends the servers and removes the folders of runs that were cut short. */
export async function removeDeadRuns(runsDir: string): Promise<void> {
  const names = await readdir(runsDir).catch(() => []);
  for (const name of names) {
    const pid = Number(/^run-(\d+)$/.exec(name)?.[1]);
    if (!pid || isProcessAlive(pid)) continue;
    const runDir = path.join(runsDir, name);
    endServers(runDir);
    // A server that is ending still writes.
    await rm(runDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}

/** Tells the servers of a run to end, without waiting for it: a process that exits cannot wait. */
export function endServers(runDir: string): void {
  for (const file of ['postgres/cluster/postmaster.pid', 'redis/redis.pid']) {
    const pidFile = path.join(runDir, file);
    const pid = Number.parseInt(
      orEmpty(() => readFileSync(pidFile, 'utf8')),
      10,
    );
    // Both servers work in their own folder; by now the id may be another program's.
    const folder = pid ? orEmpty(() => readlinkSync(`/proc/${pid}/cwd`)) : '';
    // SIGINT: both stop at once, dropping their clients.
    if (folder === path.dirname(pidFile)) process.kill(pid, 'SIGINT');
  }
}

function orEmpty(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
