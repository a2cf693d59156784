import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { endServing, startServing } from '../support/serving.ts';

const run = promisify(execFile);
let environment: Record<string, string>;

beforeAll(async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'readme-'));
  // Nothing of the developer's own is touched, and `start` listens where the commands look for it.
  environment = {
    DATA_DIR: path.join(folder, 'data'),
    PORT: String(await freePort()),
    DATABASE_URL: '',
    REDIS_URL: '',
    STRIPE_API_KEY: '',
  };
  return async () => await rm(folder, { recursive: true, force: true });
});
afterEach(endServing);

/** What a reader copies from the README, in order. */
async function blocks(): Promise<string[]> {
  const text = await readFile('README.md', 'utf8');
  return [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block!);
}

async function bash(script: string): Promise<string> {
  const { stdout } = await run('bash', ['-e', '-o', 'pipefail', '-c', script], {
    env: { ...process.env, ...environment },
    maxBuffer: 16e6,
  });
  return stdout;
}

test('every command of the README runs as written', async () => {
  // These two install everything and run this very test; CI and the test of the demo run them.
  const all = (await blocks()).filter((block) => !block.startsWith('npm ci'));
  expect(all.length).toBeGreaterThanOrEqual(6);
  const printed: string[] = [];
  for (const block of all) {
    // From where the README says that the service runs.
    if (block.includes('curl')) await startServing(environment);
    printed.push(await bash(block));
  }
  const text = printed.join('\n');
  // Half an instance through January, by hand: 0.5 × 2,678,400 s × $0.00001866786 = $25.00.
  expect(text).toContain('$25.00');
  expect(text).toContain('proven  ');
  expect(text).toContain('"recorded":1');
  expect(text).toMatch(/"allowed":false.*free_app_size/);
  expect(text).toMatch(/"data":\{"email":"you@home\.example","key":"gm_/);
}, 900_000);
