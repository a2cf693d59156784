import type { Queue } from 'bullmq';
import type { QueueBackend } from './backend.ts';

/** Something that is done every so often; what is due it finds in the database itself. */
export type Tick = {
  readonly name: string;
  readonly schedule: { readonly every: number } | { readonly pattern: string };
  readonly run: () => Promise<void>;
};

export const TICKS_QUEUE = 'ticks';
/** What comes once a night must not wait for the next one because of a bad quarter of an hour. */
const AGAIN = { attempts: 4, backoff: { type: 'fixed', delay: 15 * 60_000 } };

/**
 * Keeps the schedules and runs their ticks; any number of processes may do so at once. A tick is only a
 * wake-up call: one that is missed, doubled or late costs nothing but time.
 */
export async function startTicks(
  queues: QueueBackend,
  ticks: readonly Tick[],
  onFailure: (tick: string, error: unknown) => void,
): Promise<Queue> {
  const queue = queues.makeQueue<unknown>(TICKS_QUEUE, {
    defaultJobOptions: { removeOnComplete: { count: 100 }, removeOnFail: { count: 1000 } },
  });
  const byName = new Map(ticks.map((tick) => [tick.name, tick]));
  for (const { name, schedule } of ticks) {
    if ('pattern' in schedule) {
      await queue.upsertJobScheduler(name, schedule, { name, opts: AGAIN });
      continue;
    }
    await queue.upsertJobScheduler(name, schedule, { name });
    // After a pause there may be work for hours: look at once, not at the next tick.
    await queue.add(name, undefined);
  }
  queues.makeWorker(
    TICKS_QUEUE,
    async (job) => {
      await byName
        .get(job.name)
        ?.run()
        .catch((error: unknown) => {
          onFailure(job.name, error);
          throw error;
        });
    },
    { concurrency: ticks.length },
  );
  return queue;
}
