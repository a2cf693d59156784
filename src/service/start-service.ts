import type { Queue } from 'bullmq';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { eventParser } from '../events/parse-event.ts';
import { recorderWithin, type RecordEvents } from '../metering/record-events.ts';
import { platformRecording } from '../platform/recording.ts';
import { connectQueues, type QueueBackend } from '../queue/backend.ts';
import {
  makeEventsQueue,
  startEventsWorker,
  type EventsJob,
  type EventsResult,
} from '../queue/events-queue.ts';
import { startTicks, TICKS_QUEUE } from '../queue/ticks.ts';
import { parseSnapshot } from '../sources/snapshots/snapshot-schema.ts';
import type { Clock } from '../values/clock.ts';
import { Fault } from '../values/fault.ts';
import { bindBilling, type Billing } from './billing.ts';
import { openDatabase, type OpenDatabase } from './open-database.ts';
import { openHttp } from './open-http.ts';
import { openRecorder } from './open-recorder.ts';
import { openStripe, requireStripe, type OpenStripe } from './open-stripe.ts';
import { viewOf } from './queue-view.ts';
import { schedules } from './schedules.ts';

/** Everything of one process that serves: opened in order of need, stopped in reverse. */
export type Service = {
  readonly url: string;
  readonly database: OpenDatabase;
  readonly stripe: OpenStripe;
  readonly record: RecordEvents;
  readonly eventsQueue: Queue<EventsJob, EventsResult>;
  readonly billing: Billing;
  /** From here on the schedules run: close, issue, collect, read Stripe's news. */
  readonly startSchedules: () => Promise<void>;
  /** Finishes what is under way, then closes everything. */
  readonly stop: () => Promise<void>;
};

export async function startService(config: Config, clock: Clock, log: Logger): Promise<Service> {
  requireStripe(config);
  const opened: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (let close = opened.pop(); close !== undefined; close = opened.pop()) await close();
  };
  try {
    const database = await openDatabase(config, log);
    opened.push(database.stop);
    const queues = await openQueues(config, database, log);
    const eventsQueue = makeEventsQueue(queues);
    const recording = platformRecording(eventParser(config.maxReplicas));
    const { db } = database;
    const record = openRecorder(db, recording);
    const server = await openHttp(config, {
      database,
      recording,
      record,
      clock,
      log,
      stripe: () => stripe,
      queues: viewOf([eventsQueue, queues.makeQueue(TICKS_QUEUE)]),
    });
    opened.push(queues.close, async () => await server.close());
    const url = await server.listen({ host: config.host, port: config.port }).catch(portTaken);
    const stripe = await openStripe(config, { database, clock, log }, `${url}/webhooks/stripe`);
    // Closed after the workers, which may be in the middle of a call.
    opened.splice(1, 0, stripe.stop);
    const parse = parseSnapshot(config.maxReplicas);
    const snapshots = { db, record: recorderWithin(recording), parse };
    startEventsWorker(queues, { record, clock, snapshots });
    const billing = bindBilling({ db: database.db, gateway: stripe.gateway, clock }, config, log);
    const startSchedules = async (): Promise<void> => {
      await startTicks(
        queues,
        schedules({ config, db: database.db, billing, eventsQueue, recording, clock, log }),
        (tick, err) => log.error({ err, tick }, 'a scheduled task failed; it comes again'),
      );
    };
    return { url, database, stripe, record, eventsQueue, billing, startSchedules, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function openQueues(
  config: Config,
  database: OpenDatabase,
  log: Logger,
): Promise<QueueBackend> {
  const target =
    config.redisUrl === undefined ? { databaseUrl: database.url } : { redisUrl: config.redisUrl };
  return await connectQueues(target, (message, err) => log.warn({ err }, message));
}

function portTaken(error: unknown): never {
  if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
    const message = `${error.message}: set PORT to a free port`;
    throw new Fault('unavailable', 'port_taken', message);
  }
  throw error;
}
