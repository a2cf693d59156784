import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from './free-port.ts';
import { until } from './until.ts';

export type TestRedis = { readonly url: string; stop(): Promise<void> };

/** The path of redis-server, or null when this machine has none. */
export function findRedis(): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(path.delimiter), '/usr/bin'];
  const files = folders.map((folder) => path.join(folder, 'redis-server'));
  return files.find(isProgram) ?? null;
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Starts a Redis that keeps nothing on disk; `settings` override, such as a maxmemory-policy. */
export async function startRedis(
  program: string,
  folder: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<TestRedis> {
  await mkdir(folder, { recursive: true });
  const all = {
    port: String(await freePort()),
    bind: '127.0.0.1',
    dir: folder,
    pidfile: path.join(folder, 'redis.pid'),
    save: '',
    appendonly: 'no',
    'maxmemory-policy': 'noeviction',
    ...settings,
  };
  const args = Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]);
  const child = spawn(program, args, { stdio: 'ignore' });
  const url = `redis://127.0.0.1:${all.port}`;
  try {
    await answers(url, child);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return { url, stop: async () => await stop(child) };
}

async function answers(url: string, child: ChildProcess): Promise<void> {
  const client = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => 50 });
  client.on('error', () => {}); // refused until it listens
  try {
    await until('redis-server answers', async () => {
      if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}`);
      return client.status === 'ready';
    });
  } finally {
    client.disconnect();
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  await gone;
}
