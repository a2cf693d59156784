import { execFile } from 'node:child_process';
import path from 'node:path';

export type Ran = { readonly code: number; readonly stdout: string; readonly stderr: string };

const ROOT = path.resolve(import.meta.dirname, '../..');

/** Runs `gigameter ARGS` as a process of its own, with the settings given. */
export async function gigameter(
  args: readonly string[],
  settings: Readonly<Record<string, string>> = {},
  input = '',
): Promise<Ran> {
  return await new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ['--import', 'tsx', 'src/main.ts', ...args],
      { cwd: ROOT, env: { ...process.env, ...settings }, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
        resolve({ code, stdout, stderr });
      },
    );
    child.stdin!.end(input);
  });
}
