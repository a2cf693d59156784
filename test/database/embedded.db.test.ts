import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startEmbeddedPostgres } from '../../src/database/embedded.ts';
import { isProcessAlive } from '../../src/database/embedded/pidfile.ts';
import { endChildren, startChild } from '../support/child.ts';
import { until } from '../support/until.ts';

type Said = { readonly url: string; readonly adopted: boolean };

let dataDir: string;
const pidFile = (): string => path.join(dataDir, 'cluster', 'postmaster.pid');

beforeEach(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'gigameter-embedded-'));
  await chmod(dataDir, 0o755);
});

afterEach(async () => {
  await endChildren();
  try {
    // A server takes its pid file away shortly before it ends itself.
    await until('no process is left', async () => (await processesIn(dataDir)).length === 0);
  } finally {
    for (const pid of await processesIn(dataDir)) process.kill(pid, 'SIGKILL');
    await rm(dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
});

test('what was committed is there after a stop and a start', async () => {
  const first = await startEmbeddedPostgres({ dataDir });
  await query(first.url, 'create table kept as select 7 as n');
  await first.stop();
  const second = await startEmbeddedPostgres({ dataDir });
  expect(second.adopted).toBe(false);
  expect(await query(second.url, 'select n from kept')).toEqual([{ n: 7 }]);
  await second.stop();
});

test('the database is UTF-8 in locale C with checksums, whatever the machine speaks', async () => {
  const { url, stop } = await startEmbeddedPostgres({ dataDir, settings: { work_mem: '7MB' } });
  const sql = `select pg_encoding_to_char(encoding) as encoding, datcollate, datctype,
    current_setting('data_checksums') as checksums, current_setting('work_mem') as work_mem
    from pg_database where datname = current_database()`;
  expect(await query(url, sql)).toEqual([
    { encoding: 'UTF8', datcollate: 'C', datctype: 'C', checksums: 'on', work_mem: '7MB' },
  ]);
  await stop();
});

test('nobody gets in without the password, and only its owner reads that', async () => {
  const { url, stop } = await startEmbeddedPostgres({ dataDir });
  const wrong = Object.assign(new URL(url), { password: 'guess' }).href;
  await expect(query(wrong, 'select 1')).rejects.toMatchObject({ code: '28P01' });
  const file = path.join(dataDir, 'cluster', 'password');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await readFile(file, 'utf8')).trim()).toBe(new URL(url).password);
  await stop();
});

test('stopping twice is the same as stopping once', async () => {
  const { stop } = await startEmbeddedPostgres({ dataDir });
  await Promise.all([stop(), stop()]);
  await stop();
  expect(await processesIn(dataDir)).toEqual([]);
});

test('a server left by kill -9 is adopted, and stopped by who adopted it', async () => {
  const killed = startChild('use-embedded.ts', [dataDir]);
  const { url } = await killed.next<Said>();
  await query(url, 'create table kept as select 7 as n');
  killed.kill('SIGKILL');
  await killed.ended;
  const next = await startEmbeddedPostgres({ dataDir });
  expect(next).toMatchObject({ url, adopted: true });
  expect(await query(next.url, 'select n from kept')).toEqual([{ n: 7 }]);
  await next.stop();
});

test('after kill -9 of both, a new server has all that was committed', async () => {
  const killed = startChild('use-embedded.ts', [dataDir]);
  const { url } = await killed.next<Said>();
  await query(url, 'create table kept as select 7 as n');
  const postmaster = Number.parseInt(await readFile(pidFile(), 'utf8'), 10);
  process.kill(postmaster, 'SIGKILL');
  killed.kill('SIGKILL');
  const next = await startEmbeddedPostgres({ dataDir });
  expect(next.adopted).toBe(false);
  expect(await query(next.url, 'select n from kept')).toEqual([{ n: 7 }]);
  await next.stop();
});

test('of processes that begin together on a new folder one starts the server, the others share it', async () => {
  const children = [1, 2, 3].map(() => startChild('use-embedded.ts', [dataDir]));
  const said = await Promise.all(children.map(async (child) => await child.next<Said>()));
  expect(said.filter(({ adopted }) => !adopted)).toHaveLength(1);
  expect(new Set(said.map(({ url }) => url)).size).toBe(1);
  expect((await readdir(dataDir)).toSorted()).toEqual(['cluster', 'server.log']);
  for (const child of children) child.kill('SIGTERM');
  // Whoever goes first must not take the database away from the others.
  const answers = await Promise.all(children.map(async (child) => await child.next()));
  expect(answers).toEqual([{ answer: 42 }, { answer: 42 }, { answer: 42 }]);
  expect(await Promise.all(children.map(async ({ ended }) => await ended))).toEqual([0, 0, 0]);
  expect(await processesIn(dataDir)).toEqual([]);
});

test('the server outlives the one who started it as long as another uses it', async () => {
  const starter = startChild('use-embedded.ts', [dataDir]);
  await starter.next<Said>();
  const other = await startEmbeddedPostgres({ dataDir });
  expect(other.adopted).toBe(true);
  starter.kill('SIGTERM');
  expect(await starter.ended).toBe(0);
  expect(await query(other.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  await other.stop();
  expect(await processesIn(dataDir)).toEqual([]);
});

test('Ctrl-C leaves time to finish with the database, then it stops with the process', async () => {
  const child = startChild('use-embedded.ts', [dataDir]);
  await child.next<Said>();
  child.kill('SIGINT', 'group');
  expect(await child.next()).toEqual({ answer: 42 });
  expect(await child.ended).toBe(0);
  expect(await processesIn(dataDir)).toEqual([]);
});

test('a process still counts as a user after the server crashed and recovered', async () => {
  const { url, stop } = await startEmbeddedPostgres({ dataDir });
  const holders = `select pid from pg_stat_activity where application_name like 'gigameter%'`;
  const [before] = await query(url, holders);
  const victim = new pg.Client(url);
  victim.on('error', () => {}); // killed below
  await victim.connect();
  const { rows } = await victim.query<{ pid: number }>('select pg_backend_pid() as pid');
  process.kill(rows[0]?.pid ?? 0, 'SIGKILL');
  await until('the hold is back', async () => {
    const [after] = await query(url, holders).catch(() => []);
    return after && after['pid'] !== before?.['pid'];
  });
  const visitor = startChild('use-embedded.ts', [dataDir]);
  expect((await visitor.next<Said>()).adopted).toBe(true);
  visitor.kill('SIGTERM');
  expect(await visitor.ended).toBe(0);
  expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
  await stop();
});

test('a pid file whose number now belongs to another program does not keep us from starting', async () => {
  await (await startEmbeddedPostgres({ dataDir })).stop();
  const lines = [process.pid, path.join(dataDir, 'cluster'), 0, 5432, '', '127.0.0.1', '', ''];
  await writeFile(pidFile(), lines.join('\n'));
  const { url, adopted, stop } = await startEmbeddedPostgres({ dataDir });
  expect(adopted).toBe(false);
  expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
  await stop();
});

test('a damaged pid file is named in an error that says what to do', async () => {
  await (await startEmbeddedPostgres({ dataDir })).stop();
  await writeFile(pidFile(), '');
  await expect(startEmbeddedPostgres({ dataDir })).rejects.toThrow(
    `${pidFile()} is damaged, so nobody can tell whether a PostgreSQL runs`,
  );
  await rm(pidFile());
  await (await startEmbeddedPostgres({ dataDir })).stop();
});

test('a port that is taken is named in the error', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  await expect(startEmbeddedPostgres({ dataDir, port })).rejects.toThrow(
    `could not bind IPv4 address "127.0.0.1": Address already in use`,
  );
  server.close();
});

test('a lost password is an error that names the file', async () => {
  await (await startEmbeddedPostgres({ dataDir })).stop();
  const file = path.join(dataDir, 'cluster', 'password');
  await rm(file);
  await expect(startEmbeddedPostgres({ dataDir })).rejects.toThrow(`password from ${file}`);
});

test('half-made database files of a killed process are removed', async () => {
  const gone = startChild('use-embedded.ts', []);
  await gone.ended;
  const half = path.join(dataDir, `initialising-${gone.pid}-x`);
  await writeFile(half, '');
  await (await startEmbeddedPostgres({ dataDir })).stop();
  expect((await readdir(dataDir)).toSorted()).toEqual(['cluster', 'server.log']);
});

test.runIf(process.getuid?.() === 0 && hasUserNamespaces())(
  'root can run it in a folder closed to everybody else',
  async () => {
    await chmod(dataDir, 0o700);
    const { url, stop } = await startEmbeddedPostgres({ dataDir });
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect((await stat(path.join(dataDir, 'cluster'))).uid).toBe(0);
    await stop();
    const again = await startEmbeddedPostgres({ dataDir });
    await again.stop();
  },
);

async function query(url: string, sql: string): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client(url);
  client.on('error', () => {}); // a server that goes away also fails the query itself
  await client.connect();
  return await client.query(sql).then(
    async ({ rows }) => {
      await client.end();
      return rows;
    },
    async (error: unknown) => {
      await client.end();
      throw error;
    },
  );
}

/** PostgreSQL's processes work in the folder of their database. */
async function processesIn(folder: string): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).map(Number).filter(Boolean);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '');
      return cwd.startsWith(`${folder}/`) && isProcessAlive(pid) ? [pid] : [];
    }),
  );
  return found.flat();
}

function hasUserNamespaces(): boolean {
  try {
    execFileSync('unshare', ['-U', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
