import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const databaseTests = 'test/**/*.db.test.ts';
/** Nothing is asserted about time: this only ends what will never end, also on a machine ten times slower. */
const HUNG_MS = 180_000;

/** Journeys take longest and mostly wait for processes: begun last, they would leave the other core idle. */
class JourneysFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- it is the sequencer's, not an array's
    const sorted = await super.sort(files);
    const isJourney = ({ moduleId }: TestSpecification): boolean =>
      moduleId.includes('/test/journeys/');
    return [...sorted.filter(isJourney), ...sorted.filter((file) => !isJourney(file))];
  }
}

export default defineConfig({
  test: {
    // The machines this runs on have two cores, and PostgreSQL and Redis need their share.
    maxWorkers: 2,
    sequence: { sequencer: JourneysFirst },
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
