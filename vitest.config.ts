import { defineConfig } from 'vitest/config';

const databaseTests = 'test/**/*.db.test.ts';
/** Nothing is asserted about time: this only ends what will never end, also on a machine ten times slower. */
const HUNG_MS = 180_000;

export default defineConfig({
  test: {
    // The machines this runs on have two cores, and PostgreSQL and Redis need their share.
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: 'pure',
          include: ['test/**/*.test.ts'],
          exclude: [databaseTests],
          testTimeout: HUNG_MS,
          hookTimeout: HUNG_MS,
        },
      },
      {
        test: {
          name: 'database',
          include: [databaseTests],
          globalSetup: ['test/support/global.ts'],
          setupFiles: ['test/support/account-first/hold.ts', 'test/support/one-connection.ts'],
          testTimeout: HUNG_MS,
          hookTimeout: HUNG_MS,
        },
      },
    ],
  },
});
