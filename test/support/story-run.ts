import type { Queue } from 'bullmq';
import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
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
import { noticing } from '../../src/sources/heard.ts';
import { parseInstant, toDate, type Second } from '../../src/values/instant.ts';
import { billRows } from './bill-rows.ts';
import { billedPeriods } from './billed-periods.ts';
import { freshDatabase, type TestDatabase } from './database.ts';
import { takeStep, watch } from './platform-sentences.ts';
import { changePrices } from './price-sentences.ts';
import type { TestBackend } from './queues.ts';
import type { Report } from './reports.ts';
import { needsPlatform, type Story } from './story.ts';

/** A database, a queue and a worker that stories are told to. */
export type StoryRun = {
  /** Reports one by one, closing what has ended before each. */
  readonly tellOneByOne: (story: Story) => Promise<void>;
  /** Reports all at once, in one job; closes at the end. */
  readonly tellAtOnce: (story: Story) => Promise<void>;
  readonly stop: () => Promise<void>;
};

const NOW = new Date('2026-11-01T00:00:00Z');

export async function openStoryRun(connect: TestBackend['connect']): Promise<StoryRun> {
  const database = await freshDatabase();
  const queues = await connect(database.url);
  const queue = makeEventsQueue(queues);
  const settle = new Map<string, (result: EventsResult | Error) => void>();
  const { db } = database;
  const record = noticing(db, eventRecorder({ db, parse: eventParser(1000) }));
  let now = NOW;
  const worker = startEventsWorker(queues, { record, clock: () => now });
  worker.on('completed', ({ id }, result) => settle.get(id!)?.(result));
  worker.on('failed', (job, error) => settle.get(job!.id!)?.(error));
  const work = async (job: EventsJob): Promise<EventsResult> =>
    await putAndWait(queue, settle, job);
  const tell = async (given: Story, name: string, report: (story: Story) => Promise<void>) => {
    const story = inItsOwnAccount(given, name);
    await report(story);
    await expectTold(database, story);
  };
  return {
    tellOneByOne: async (given) =>
      await tell(given, 'one by one', async (story) => {
        const rows = rowsOf(story);
        for (const [index, row] of rows.entries()) {
          await close(
            database,
            rows
              .slice(index)
              .map(({ at }) => at)
              .reduce(earliest),
          );
          if (needsPlatform(story)) now = toDate(row.at);
          if ('change' in row) await changePrices(db, row.change);
          else if ('step' in row) {
            const { step, answer } = row.step;
            expect([step, await takeStep(db, story.account, now, step)]).toEqual([step, answer]);
          } else {
            const { report, answer } = row.event;
            expect([report, await work(report)]).toEqual([report, counted(answer)]);
          }
        }
      }),
    tellAtOnce: async (given) =>
      await tell(given, 'all at once', async (story) => {
        await work(story.events.map(({ report }) => report));
        for (const { change } of story.prices) await changePrices(db, change);
      }),
    stop: async () => {
      await queues.close();
      await database.drop();
    },
  };
}

type Row = { readonly at: Second } & (
  | { readonly event: Story['events'][number] }
  | { readonly change: Story['prices'][number]['change'] }
  | { readonly step: Story['steps'][number] }
);

/** Reports, changes of prices and what else there is, in the order of the story. */
function rowsOf(story: Story): Row[] {
  const rows: Row[] = story.events.map((event) => ({ event, at: secondOf(event.heardAt) }));
  const others = [
    ...story.prices.map(({ afterEvents, change }) => ({
      afterEvents,
      row: { change, at: secondOf(change.saidAt) },
    })),
    ...story.steps.map((step) => ({
      afterEvents: step.afterEvents,
      row: { step, at: secondOf(step.at) },
    })),
  ].toSorted((a, b) => a.afterEvents - b.afterEvents);
  for (const { afterEvents, row } of others.toReversed()) rows.splice(afterEvents, 0, row);
  return rows;
}

/** Puts a job on the queue and waits until the worker has committed it. */
async function putAndWait(
  queue: Queue<EventsJob, EventsResult>,
  settle: Map<string, (result: EventsResult | Error) => void>,
  job: EventsJob,
): Promise<EventsResult> {
  const jobId = randomUUID();
  const settled = new Promise<EventsResult | Error>((resolve) => settle.set(jobId, resolve));
  await queue.add('events', job, { jobId });
  const result = await settled;
  if (result instanceof Error) throw result;
  return result;
}

async function close({ db }: TestDatabase, at: Second): Promise<void> {
  await watch(db, toDate(at));
  const onFailure = (_account: string, error: unknown): never => {
    throw error;
  };
  await closeDuePeriods(db, toDate(at), { graceSeconds: 0n, onFailure });
}

async function expectTold(database: TestDatabase, story: Story): Promise<void> {
  const until = secondOf(story.until);
  await close(database, until);
  const isRunningTold = story.bill.at(-1)!.what === 'total so far';
  const periods = await billedPeriods(database.db, story.account, until);
  expect(billRows(periods.filter((period) => isRunningTold || !period.isOpen))).toEqual(story.bill);
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
}

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
    prices: story.prices.map(({ afterEvents, change }) => ({
      afterEvents,
      change: { ...change, account: change.account && rename(change.account) },
    })),
  };
}

function accountOf(report: Report): string {
  return String(report.data.account);
}

function earliest(a: Second, b: Second): Second {
  return a < b ? a : b;
}

function secondOf(time: string): Second {
  return parseInstant(time)!.second;
}
