import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gigameter } from '../support/command.ts';
import { emptyDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let folder: string;
let other: Server;

beforeAll(async () => {
  database = await emptyDatabase();
  folder = await mkdtemp(path.join(tmpdir(), 'refused-'));
  // A folder where the local Stripe keeps its journal: it cannot be opened.
  await mkdir(path.join(folder, 'local-stripe.jsonl'));
  other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
});
afterAll(async () => {
  other.close();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

test.each<[what: string, code: number, message: string, settings: Record<string, string>]>([
  ['in production without Stripe', 2, 'set STRIPE_API_KEY', { NODE_ENV: 'production' }],
  [
    'in production without the secret of its webhooks',
    2,
    'set STRIPE_WEBHOOK_SECRETS',
    { NODE_ENV: 'production', STRIPE_API_KEY: 'sk_test_refused' },
  ],
  ['on a port that is taken', 7, 'set PORT to a free port', { PORT: 'taken' }],
  ['with a Redis that is away', 7, 'ECONNREFUSED', { REDIS_URL: 'redis://127.0.0.1:1' }],
  ['with a local Stripe that cannot keep its journal', 1, 'EISDIR', {}],
])('a service that cannot start %s ends and says why', async (_what, code, message, settings) => {
  const address = other.address();
  const taken = typeof address === 'object' && address !== null ? String(address.port) : '';
  const ran = await gigameter(['start'], {
    DATABASE_URL: database.url,
    DATA_DIR: folder,
    REDIS_URL: '',
    STRIPE_API_KEY: '',
    ...settings,
    PORT: settings['PORT'] === 'taken' ? taken : '0',
  });
  expect(ran.stderr).toContain(message);
  expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code, stdout: '' });
});
