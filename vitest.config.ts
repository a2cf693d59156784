import { defineConfig } from 'vitest/config';

const databaseTests = 'test/**/*.db.test.ts';

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
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'database',
          include: [databaseTests],
          globalSetup: ['test/support/global.ts'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
