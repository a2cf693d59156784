import { randomBytes } from 'node:crypto';
import { describe, inject, test } from 'vitest';
import { connectQueues, type QueueBackend, type QueueTarget } from '../../src/queue/backend.ts';

export type TestBackend = {
  readonly name: 'redis' | 'postgres';
  /** The same queues for every call in one test file; pass it to child processes that share them. */
  target(databaseUrl: string): QueueTarget;
  /** Close what it gives in `afterAll`, before dropping the database. */
  connect(databaseUrl: string): Promise<QueueBackend>;
};

const redisUrl = inject('redisUrl');
// Test files share one Redis; each has its own keys. This module is loaded once per test file.
const prefix = `test-${randomBytes(6).toString('hex')}`;

/** What this machine can run, for `describe.each(backends)('... on $name', ({ connect }) => ...)`. */
export const backends: readonly TestBackend[] = [
  ...(redisUrl === null ? [] : [makeBackend('redis', () => ({ redisUrl, prefix }))]),
  makeBackend('postgres', (databaseUrl) => ({ databaseUrl })),
];

if (redisUrl === null) {
  describe.skip('ON REDIS: NOT RUN, because no redis-server was found', () => {
    test('every test of this file that runs on postgres', () => {});
  });
}

function makeBackend(
  name: TestBackend['name'],
  target: (databaseUrl: string) => QueueTarget,
): TestBackend {
  // A connection that breaks in a test has a reason worth reading.
  const log = (message: string, error: Error): void => console.error(message, error);
  return {
    name,
    target,
    connect: async (databaseUrl) => await connectQueues(target(databaseUrl), log),
  };
}
