import { spawn } from 'node:child_process';
import { open, readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { Fault } from '../../values/fault.ts';
import type { Command, Owner } from './owner.ts';

/** One set of database files and what is needed to run a server on it. */
export type Cluster = { readonly folder: string; readonly pgCtl: string; readonly owner: Owner };

export type ServerOptions = {
  /** Default: a free one, chosen anew at each start. */
  readonly port?: number | undefined;
  /** PostgreSQL settings, such as `{ fsync: 'off' }`. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
};

/** `busy`: another process was faster, or an old server is not quite gone; look again. */
export type StartResult = 'started' | 'busy';

/**
 * Starts the server in a session of its own (pg_ctl sees to that), so that Ctrl-C in the terminal
 * reaches us and not PostgreSQL, and we can finish our work before stopping it.
 *
 * @throws with the end of the server's log when it cannot start.
 */
export async function startServer(
  { folder, pgCtl, owner }: Cluster,
  options: ServerOptions,
): Promise<StartResult> {
  const logFile = path.join(path.dirname(folder), 'server.log');
  const logStart = (await stat(logFile).catch(() => null))?.size ?? 0;
  const flags = serverFlags(options.port ?? (await freePort()), options.settings ?? {});
  const args = ['start', '-s', '-w', '-t', '60', '-D', folder, '-o', flags];
  const code = await runLogged(owner.command(pgCtl, args), logFile);
  if (code === 0) return 'started';
  const complaint = (await readFile(logFile)).subarray(logStart).toString('utf8').trim();
  const portIsTaken = complaint.includes('could not bind');
  if (portIsTaken ? options.port === undefined : complaint.match(heldByAnother)) return 'busy';
  throw new Fault(
    'unavailable',
    'embedded_start',
    `The embedded PostgreSQL in ${folder} did not start (its log: ${logFile}):\n` +
      complaint.slice(-2000),
  );
}

/** Ends all sessions, writes everything to disk and waits until the server is gone. */
export async function stopServer({ folder, pgCtl, owner }: Cluster): Promise<void> {
  const logFile = path.join(path.dirname(folder), 'server.log');
  const args = ['stop', '-s', '-m', 'fast', '-w', '-t', '60', '-D', folder];
  const code = await runLogged(owner.command(pgCtl, args), logFile);
  if (code === 0) return;
  const message = `The embedded PostgreSQL in ${folder} did not stop; see ${logFile}`;
  throw new Fault('unavailable', 'embedded_stop', message);
}

const heldByAnother = /lock file .* already exists|is still in use/;

function serverFlags(port: number, settings: Readonly<Record<string, string>>): string {
  const all = {
    listen_addresses: '127.0.0.1',
    // Sockets would need a folder that both we and the OS user postgres may write.
    unix_socket_directories: '',
    timezone: 'UTC',
    log_timezone: 'UTC',
    // Every five minutes, for ever, into a file nobody rotates.
    log_checkpoints: 'off',
    ...settings,
  };
  const flags = Object.entries(all).map(([name, value]) => `-c ${shellQuote(`${name}=${value}`)}`);
  return [`-p ${port}`, ...flags].join(' ');
}

/** pg_ctl hands its -o text to a shell. */
function shellQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The server inherits these outputs: a file, because it would hold a pipe open for ever. */
async function runLogged({ file, args, options }: Command, logFile: string): Promise<number> {
  const log = await open(logFile, 'a');
  try {
    return await new Promise((resolve, reject) => {
      const child = spawn(file, args, { ...options, stdio: ['ignore', log.fd, log.fd] });
      child.on('error', reject);
      child.on('exit', (code) => resolve(code ?? 1));
    });
  } finally {
    await log.close();
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
