import { afterAll, beforeAll, describe, test } from 'vitest';
import { backends } from '../support/queues.ts';
import { openStoryRun, type StoryRun } from '../support/story-run.ts';
import { stories } from '../support/stories.ts';
import { changesListPrices, needsPlatform } from '../support/story.ts';

const all = stories();

describe.each(backends)('through the queue on $name', ({ connect }) => {
  let run: StoryRun;
  beforeAll(async () => {
    run = await openStoryRun(connect);
  });
  afterAll(async () => await run.stop());

  const sharing = all.filter((story) => !changesListPrices(story) && !needsPlatform(story));
  test.each(sharing)(
    'reported one by one, closed as time goes by: $title ($file)',
    async (story) => await run.tellOneByOne(story),
  );

  const timely = sharing.filter((one) =>
    one.events.every(({ report, heardAt }) => heardAt === report.time),
  );
  test.each(timely)(
    'reported all at once, closed at the end: $title ($file)',
    async (story) => await run.tellAtOnce(story),
  );
});
