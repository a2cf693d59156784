import { describe, test } from 'vitest';
import { backends } from '../support/queues.ts';
import { openStoryRun } from '../support/story-run.ts';
import { stories } from '../support/stories.ts';
import { changesListPrices, needsPlatform, type Story } from '../support/story.ts';

const alone = stories().filter((story) => changesListPrices(story) || needsPlatform(story));

/** List prices and silences are everybody's: each of these stories has a database for itself. */
describe.each(backends)('through the queue on $name', ({ connect }) => {
  test.each(alone)('reported one by one: $title ($file)', async (story: Story) => {
    const run = await openStoryRun(connect);
    try {
      await run.tellOneByOne(story);
    } finally {
      await run.stop();
    }
  });
});
