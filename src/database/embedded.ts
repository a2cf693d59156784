import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Fault } from '../values/fault.ts';
import { findBinaries } from './embedded/binaries.ts';
import { ensureCluster, readPassword, superuser } from './embedded/cluster.ts';
import { takeHold, type Hold } from './embedded/hold.ts';
import { chooseOwner } from './embedded/owner.ts';
import { pidFilePath, readPidFile, removeStalePidFile } from './embedded/pidfile.ts';
import { startServer, stopServer, type Cluster, type ServerOptions } from './embedded/server.ts';

export type EmbeddedOptions = ServerOptions & {
  /** A folder for nothing else; made when missing. Holds the database and its log. */
  readonly dataDir: string;
  readonly log?: (message: string) => void;
};

export type EmbeddedPostgres = {
  /** Names the database `postgres`, its superuser and its password. */
  readonly url: string;
  /** True when the server already ran: another process of ours uses it, or one was killed. */
  readonly adopted: boolean;
  /** Stops the server unless another process uses it; the last one out does. Safe to repeat. */
  stop(): Promise<void>;
};

/**
 * Runs a real PostgreSQL on the files in `dataDir`, made at the first start. Any number of
 * processes may call this on one folder at the same moment: one starts the server, the others
 * share it. A server or pid file left by `kill -9` is adopted or cleared away.
 *
 * @throws with what to do when the server cannot be run here.
 */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const log = options.log ?? (() => {});
  const folder = path.join(path.resolve(options.dataDir), 'cluster');
  await mkdir(path.dirname(folder), { recursive: true });
  const { pgCtl, initdb } = await findBinaries();
  const owner = await chooseOwner(path.dirname(folder), folder, pgCtl);
  await ensureCluster(folder, initdb, owner);
  const password = await readPassword(folder);
  const cluster: Cluster = { folder, pgCtl, owner };
  const server = await reach(cluster, password, options);
  log(`embedded PostgreSQL ${server.adopted ? 'found running' : 'started'} in ${options.dataDir}`);
  return { url: server.url, adopted: server.adopted, stop: keep(server, cluster, log) };
}

type Reached = { readonly url: string; readonly adopted: boolean; readonly hold: Hold };

const pauseMs = 100;
/** 60 s: a server that recovers from a crash, or one that stops with much to write, takes a while. */
const maxLooks = 600;
/** 2 s: a starting server writes its pid file within milliseconds. */
const maxUnreadableLooks = 20;

/** Looks, starts what is missing, and looks again until this process holds a running server. */
async function reach(cluster: Cluster, password: string, options: ServerOptions): Promise<Reached> {
  let adopted = true;
  let unreadableLooks = 0;
  for (let look = 0; look < maxLooks; look++) {
    const found = await readPidFile(cluster.folder);
    if (found.kind === 'alive') {
      const url = `postgres://${superuser}:${password}@127.0.0.1:${found.port}/postgres`;
      const hold = await takeHold(url);
      if (hold) return { url, adopted, hold };
    } else if (found.kind === 'stale') {
      await removeStalePidFile(cluster.folder, found.text);
      continue;
    } else if (found.kind === 'unreadable') {
      if (++unreadableLooks > maxUnreadableLooks) throw damaged(cluster.folder);
    } else if ((await startServer(cluster, options)) === 'started') {
      adopted = false;
      continue;
    }
    await sleep(pauseMs);
  }
  throw new Fault(
    'unavailable',
    'embedded_silent',
    `The embedded PostgreSQL in ${cluster.folder} seems to run (see ${pidFilePath(cluster.folder)}) ` +
      'but did not let us in for a minute. If no PostgreSQL runs there, delete that file.',
  );
}

/** Keeps the hold, also over a crash of the server, which ends all sessions; returns `stop`. */
function keep(
  { url, hold }: Reached,
  cluster: Cluster,
  log: (message: string) => void,
): () => Promise<void> {
  let held: Hold | null = null;
  let isStopping = false;
  let regaining = Promise.resolve();
  const watch = (taken: Hold): void => {
    held = taken;
    void taken.ended.then(() => {
      held = null;
      if (!isStopping) regaining = regain();
    });
  };
  const regain = async (): Promise<void> => {
    log('lost the session to the embedded PostgreSQL, taking a new one');
    while (!isStopping) {
      const taken = await takeHold(url).catch(() => null);
      if (taken) return watch(taken);
      await sleep(pauseMs, undefined, { ref: false });
    }
  };
  const stop = async (): Promise<void> => {
    isStopping = true;
    await regaining;
    const last = held ?? (await takeHold(url));
    if (!last) return;
    const isLast = await last.releaseAsLast();
    if (isLast) await stopServer(cluster);
    await last.end();
    log(`embedded PostgreSQL ${isLast ? 'stopped' : 'left running: another process uses it'}`);
  };
  watch(hold);
  let stopped: Promise<void> | undefined;
  return () => (stopped ??= stop());
}

function damaged(folder: string): Fault {
  return new Fault(
    'unavailable',
    'embedded_pid_file',
    `${pidFilePath(folder)} is damaged, so nobody can tell whether a PostgreSQL runs on these ` +
      'files. Make sure none does (ps ax | grep postgres), then delete that file.',
  );
}
