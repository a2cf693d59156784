// Records the events of the queue, as a service does; dies or hangs where told, as machines do.
import { openDatabase, openPool } from '../../../src/database/pool.ts';
import { eventParser } from '../../../src/events/parse-event.ts';
import { connectQueues, type QueueTarget } from '../../../src/queue/backend.ts';
import { startEventsWorker } from '../../../src/queue/events-queue.ts';
import { openRecorder } from '../../../src/service/open-recorder.ts';

const [target, databaseUrl, dies] = process.argv.slice(2);
if (!target || !databaseUrl || !dies) {
  throw new Error('usage: events-worker.ts TARGET_JSON DATABASE_URL before|after');
}

const queues = await connectQueues(JSON.parse(target) as QueueTarget, console.error);
const pool = openPool({ url: databaseUrl, log: console.error });
const record = openRecorder(openDatabase(pool), { parse: eventParser(1000) });
startEventsWorker(
  queues,
  {
    clock: () => new Date('2026-03-01T00:00:00Z'),
    record: async (now, reported) => {
      console.log(JSON.stringify({ took: reported.length }));
      if (dies === 'before') return await new Promise<never>(() => {});
      const outcomes = await record(now, reported);
      console.log(JSON.stringify({ recorded: outcomes.length }));
      // Committed, but the queue does not know yet.
      await new Promise<never>(() => {});
      return outcomes;
    },
  },
  { lockDuration: 1_000, stalledInterval: 500 },
);
