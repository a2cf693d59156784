import type { JobsOptions, Queue, Worker, WorkerOptions } from 'bullmq';
import type { Outcome } from '../events/outcome.ts';
import type { RecordEvents } from '../metering/record-events.ts';
import type { Clock } from '../values/clock.ts';
import type { QueueBackend } from './backend.ts';
import {
  runSnapshotJob,
  SNAPSHOT_JOB,
  tellResult,
  type SnapshotJobContext,
  type SnapshotJobResult,
} from './snapshot-job.ts';

export const EVENTS_QUEUE = 'events';

/**
 * One CloudEvent or an array of them: the platform's controller puts what it reports on the queue as is. A job
 * named `snapshot` holds one.
 */
export type EventsJob = unknown;

/** How many events of a job had which outcome: kept on the finished job for people. */
export type EventsResult = { readonly [status in Outcome['status']]: number } | SnapshotJobResult;

/** So many jobs that are done can still be looked at. */
const KEPT = { count: 1000 };

/** A job fails only when the database does. After some minutes of that it waits to be re-driven. */
const RETRIES: JobsOptions = {
  attempts: 10,
  backoff: { type: 'exponential', delay: 500, jitter: 0.5 },
  removeOnComplete: KEPT,
};

export function makeEventsQueue(queues: QueueBackend): Queue<EventsJob, EventsResult> {
  return queues.makeQueue(EVENTS_QUEUE, { defaultJobOptions: RETRIES });
}

/** Jobs at once per worker, whose events may share commits. */
const CONCURRENCY = 50;
/** Each commit holds the locks of all accounts it is of, and PostgreSQL holds some thousand locks. */
const MOST_AT_ONCE = 1000;
/** As often as BullMQ's PostgreSQL backend can count: a killed worker's jobs are always taken over. */
const TAKE_OVERS = 2 ** 31 - 1;

/**
 * Records the events of each job; the job is done after the commits that hold its events. Bad events are in
 * quarantine and do not fail their job, so the queue always goes on. `takeOver` says how soon the jobs of
 * a worker that died are given to another one; BullMQ's own 30 s when not given. Jobs named `snapshot` are
 * applied by `snapshots`.
 */
export function startEventsWorker(
  queues: QueueBackend,
  {
    record,
    clock,
    snapshots,
  }: {
    readonly record: RecordEvents;
    readonly clock: Clock;
    readonly snapshots?: SnapshotJobContext;
  },
  takeOver: Pick<WorkerOptions, 'lockDuration' | 'stalledInterval'> = {},
): Worker<EventsJob, EventsResult> {
  return queues.makeWorker<EventsJob, EventsResult>(
    EVENTS_QUEUE,
    async (job) => {
      if (job.name === SNAPSHOT_JOB && snapshots !== undefined) {
        const result = await runSnapshotJob(snapshots, clock(), job.data);
        await job.log(tellResult(result));
        return result;
      }
      const reported = Array.isArray(job.data) ? (job.data as readonly unknown[]) : [job.data];
      const outcomes: Outcome[] = [];
      for (let from = 0; from < reported.length; from += MOST_AT_ONCE) {
        outcomes.push(...(await record(clock(), reported.slice(from, from + MOST_AT_ONCE))));
      }
      return countOutcomes(outcomes);
    },
    {
      concurrency: CONCURRENCY,
      maxStalledCount: TAKE_OVERS,
      // For jobs of a controller that says nothing of it: they would be kept for ever.
      removeOnComplete: KEPT,
      ...takeOver,
    },
  );
}

/** Puts jobs that failed for good back on the queue: no event may be lost to a long outage. */
export async function redriveFailedEvents(queue: Queue<EventsJob, EventsResult>): Promise<void> {
  await queue.retryJobs({ state: 'failed', count: 1000 });
}

export function countOutcomes(outcomes: readonly Outcome[]): EventsResult {
  const counts = { recorded: 0, duplicate: 0, parked: 0, refused: 0 };
  for (const { status } of outcomes) counts[status] += 1;
  return counts;
}
