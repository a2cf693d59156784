import type { Queue } from 'bullmq';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventParser } from '../../src/events/parse-event.ts';
import { describeRefusal } from '../../src/events/refusal.ts';
import { closeDuePeriods } from '../../src/invoicing/close-periods.ts';
import { eventRecorder } from '../../src/metering/record-events.ts';
import {
  makeEventsQueue,
  startEventsWorker,
  type EventsJob,
  type EventsResult,
} from '../../src/queue/events-queue.ts';
import type { QueueBackend } from '../../src/queue/backend.ts';
import { parseInstant, toDate, type Second } from '../../src/values/instant.ts';
import { billRows } from '../support/bill-rows.ts';
import { billedPeriods } from '../support/billed-periods.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { backends } from '../support/queues.ts';
import type { Report } from '../support/reports.ts';
import { stories } from '../support/stories.ts';
import type { Story } from '../support/story.ts';

const now = new Date('2026-11-01T00:00:00Z');
const all = stories();

describe.each(backends)('through the queue on $name', ({ connect }) => {
  let database: TestDatabase;
  let queues: QueueBackend;
  let queue: Queue<EventsJob, EventsResult>;
  const settle = new Map<string, (result: EventsResult | Error) => void>();

  beforeAll(async () => {
    database = await freshDatabase();
    queues = await connect(database.url);
    queue = makeEventsQueue(queues);
    const record = eventRecorder({ db: database.db, parse: eventParser(1000) });
    const worker = startEventsWorker(queues, { record, clock: () => now });
    worker.on('completed', ({ id }, result) => settle.get(id!)?.(result));
    worker.on('failed', (job, error) => settle.get(job!.id!)?.(error));
  });
  afterAll(async () => {
    await queues.close();
    await database.drop();
  });

  /** Puts a job on the queue and waits until the worker has committed it. */
  const work = async (job: EventsJob): Promise<EventsResult> => {
    const jobId = randomUUID();
    const settled = new Promise<EventsResult | Error>((resolve) => settle.set(jobId, resolve));
    await queue.add('events', job, { jobId });
    const result = await settled;
    if (result instanceof Error) throw result;
    return result;
  };

  const close = async (at: Second): Promise<void> => {
    const onFailure = (_account: string, error: unknown): never => {
      throw error;
    };
    await closeDuePeriods(database.db, toDate(at), { graceSeconds: 0n, onFailure });
  };

  const expectTold = async (story: Story): Promise<void> => {
    const until = secondOf(story.until);
    await close(until);
    const isRunningTold = story.bill.at(-1)!.what === 'total so far';
    const periods = await billedPeriods(database.db, story.account, until);
    expect(billRows(periods.filter((period) => isRunningTold || !period.isOpen))).toEqual(
      story.bill,
    );
    const quarantined = await database.db
      .selectFrom('quarantined_event')
      .selectAll()
      .where('account_id', '=', story.account)
      .execute();
    const refused = quarantined.map(
      ({ field, value, rule }) =>
        `refused: ${describeRefusal({ code: 'invalid_event', field, value, rule })}`,
    );
    expect(refused.toSorted()).toEqual(
      story.events
        .map(({ answer }) => answer)
        .filter((answer) => answer.startsWith('refused'))
        .toSorted(),
    );
  };

  describe.each(all)('reported one by one, closed as time goes by: $title ($file)', (one) => {
    const run = async (): Promise<void> => {
      const story = inItsOwnAccount(one, 'one by one');
      const times = story.events.map(({ heardAt }) => secondOf(heardAt));
      for (const [index, { report, answer }] of story.events.entries()) {
        const nothingIsLate = times.slice(index).reduce((a, b) => (a < b ? a : b));
        await close(nothingIsLate);
        expect([report, await work(report)]).toEqual([report, counted(answer)]);
      }
      await expectTold(story);
    };
    test('is invoiced', run);
  });

  const timely = all.filter((one) =>
    one.events.every(({ report, heardAt }) => heardAt === report.time),
  );
  test.each(timely)('reported all at once, closed at the end: $title ($file)', async (one) => {
    const story = inItsOwnAccount(one, 'all at once');
    await work(story.events.map(({ report }) => report));
    await expectTold(story);
  });
});

/** What a job of one event counts, by the story's answer. */
function counted(answer: string): EventsResult {
  const none = { recorded: 0, duplicate: 0, parked: 0, refused: 0 };
  if (answer === '') return { ...none, recorded: 1 };
  if (answer === 'repeated') return { ...none, duplicate: 1 };
  return answer.startsWith('waits') ? { ...none, parked: 1 } : { ...none, refused: 1 };
}

/** All runs share one database, so each has accounts of its own. */
function inItsOwnAccount(story: Story, run: string): Story {
  const rename = (name: string): string => `${name} (${story.file} ${run})`;
  return {
    ...story,
    account: rename(story.account),
    events: story.events.map(({ report, heardAt, answer }) => ({
      heardAt,
      report: { ...report, data: { ...report.data, account: rename(accountOf(report)) } },
      answer: answer.replace(`"${story.account}"`, `"${rename(story.account)}"`),
    })),
  };
}

function accountOf(report: Report): string {
  return String(report.data.account);
}

function secondOf(time: string): Second {
  return parseInstant(time)!.second;
}
