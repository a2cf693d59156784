import { spawn, type ChildProcess } from 'node:child_process';
import { until } from './until.ts';

export type Serving = { readonly url: string; readonly child: ChildProcess };

const running: ChildProcess[] = [];

const FROM_SOURCES: readonly string[] = ['--import', 'tsx', 'src/main.ts'];

/** Starts the service as a process of its own; resolves to where it listens once it says so. */
export async function startServing(
  settings: Readonly<Record<string, string>>,
  program = FROM_SOURCES,
): Promise<Serving> {
  const child = spawn(process.execPath, [...program, 'start'], {
    env: { ...process.env, PORT: '0', ...settings },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  running.push(child);
  let log = '';
  child.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const url = await until(
    'the service says where it listens',
    () => {
      if (child.exitCode !== null) throw new Error(`the service ended:\n${log}`);
      return /"url":"(http[^"]+)".*is serving/.exec(log)?.[1];
    },
    120_000,
  );
  return { url, child };
}

/** For `afterEach`: ends what still runs. */
export function endServing(): void {
  for (const child of running.splice(0)) child.kill('SIGKILL');
}
