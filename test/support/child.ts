import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { until } from './until.ts';

/** A program of `test/support/processes`, run in a process (and process group) of its own. */
export type Child = {
  readonly pid: number;
  /** The next line of its output, parsed as JSON; fails when it ends without one. */
  next<T>(): Promise<T>;
  /** `group` also reaches what it started in its group, as Ctrl-C in a terminal does. */
  kill(signal: NodeJS.Signals, to?: 'process' | 'group'): void;
  /** Resolves to its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
};

const running = new Set<Child>();

export function startChild(program: string, args: readonly string[] = []): Child {
  const file = path.join(import.meta.dirname, 'processes', program);
  const child = spawn(process.execPath, ['--import', 'tsx', file, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const pid = child.pid;
  if (pid === undefined) throw new Error(`could not start ${program}`);
  let output = '';
  let complaints = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
  const ended = once(child, 'close').then(([code, signal]) => {
    running.delete(self);
    return code ?? signal;
  });
  const next = async <T>(): Promise<T> => {
    await until(`${program} says something`, () => {
      if (output.includes('\n')) return true;
      if (running.has(self)) return false;
      throw new Error(`${program} ended early:\n${complaints}`);
    });
    const end = output.indexOf('\n');
    const line = output.slice(0, end);
    output = output.slice(end + 1);
    return JSON.parse(line);
  };
  const kill = (signal: NodeJS.Signals, to: 'process' | 'group' = 'process'): void => {
    process.kill(to === 'group' ? -pid : pid, signal);
  };
  const self: Child = { pid, next, kill, ended };
  running.add(self);
  return self;
}

/** For `afterEach`: ends what a failed test left running. */
export async function endChildren(): Promise<void> {
  for (const child of running) {
    child.kill('SIGKILL');
    await child.ended;
  }
}
