import { setTimeout as sleep } from 'node:timers/promises';
import {
  Queue,
  Worker,
  createPostgresBackend,
  type Processor,
  type QueueOptions,
  type WorkerOptions,
} from 'bullmq';
import { connectPostgres } from './connect-postgres.ts';
import { connectRedis } from './connect-redis.ts';

/** Where the queues live: on Redis, or in a schema of their own in a PostgreSQL database. */
export type QueueTarget =
  | {
      readonly redisUrl: string;
      /** Begins every key, so that several installations can share one Redis. Default `gigameter`. */
      readonly prefix?: string;
    }
  | {
      readonly databaseUrl: string;
      /** Most connections at once, beside one for each worker. Default 5. */
      readonly max?: number;
    };

export type QueueLog = (message: string, error: Error) => void;

type Ours = 'connection' | 'prefix';

export type QueueBackend = {
  readonly kind: 'redis' | 'postgres';
  makeQueue<T, R = void>(name: string, options?: Omit<QueueOptions, Ours>): Queue<T, R>;
  makeWorker<T, R = void>(
    name: string,
    processor: Processor<T, R>,
    options?: Omit<WorkerOptions, Ours>,
  ): Worker<T, R>;
  /**
   * Lets the workers finish what they work on, then closes everything made here. What takes longer
   * than `timeoutMs` (default 20 s; a job that hangs, a server that is away) is cut off: such a job
   * counts as stalled and is run again by another worker, and its remains may keep the process from
   * ending by itself: call process.exit. Safe to repeat.
   */
  close(timeoutMs?: number): Promise<void>;
};

/**
 * Connects BullMQ to Redis or to PostgreSQL; what is made from the result behaves alike on both.
 *
 * @throws when the server cannot be reached or, for Redis, may drop jobs to save memory.
 */
export async function connectQueues(target: QueueTarget, report: QueueLog): Promise<QueueBackend> {
  const log = onceEach(report);
  if ('redisUrl' in target) {
    const { client, disconnect } = await connectRedis(target.redisUrl, log);
    const options = { connection: client, prefix: target.prefix ?? 'gigameter' };
    return makeBackend({ kind: 'redis', disconnect, addWorker: () => {}, log }, options);
  }
  const { pool, addWorker } = await connectPostgres(target.databaseUrl, target.max ?? 5, log);
  const disconnect = async (): Promise<void> => await pool.end();
  return makeBackend({ kind: 'postgres', disconnect, addWorker, log }, { connection: pool });
}

type Connection = {
  readonly kind: 'redis' | 'postgres';
  readonly log: QueueLog;
  /** Called before each worker is made. */
  addWorker(): void;
  disconnect(): Promise<void>;
};

function makeBackend(
  { kind, log, addWorker, disconnect }: Connection,
  common: { readonly connection: object; readonly prefix?: string },
): QueueBackend {
  const factory = kind === 'postgres' ? createPostgresBackend : undefined;
  const workers: Closable[] = [];
  const queues: Closable[] = [];
  let closed: Promise<void> | undefined;
  const finish = async (): Promise<void> => {
    await Promise.all(workers.map(async (worker) => await worker.close()));
    await Promise.all(queues.map(async (queue) => await queue.close()));
  };
  const cutOff = (timeoutMs: number, finished: Promise<unknown>): void => {
    const report = (error: Error): void => log(`cutting off the queues on ${kind}`, error);
    report(new Error(`not closed after ${timeoutMs} ms`));
    finished.catch(report);
    // Not awaited: on Redis it would wait for the very server that is away.
    for (const worker of workers) worker.disconnect().catch(report);
  };
  const close = async (timeoutMs: number): Promise<void> => {
    const finished = finish().then(() => true);
    try {
      const isFinished = await Promise.race([finished, sleep(timeoutMs, false, { ref: false })]);
      if (!isFinished) cutOff(timeoutMs, finished);
    } finally {
      await disconnect();
    }
  };
  return {
    kind,
    makeQueue: <T, R>(name: string, options = {}) => {
      const queue = new AnyQueue<T, R>(name, { ...options, ...common }, factory);
      queue.on('error', (error) => log(`queue ${name} on ${kind}`, error));
      queues.push(queue);
      return queue;
    },
    makeWorker: <T, R>(name: string, processor: Processor<T, R>, options = {}) => {
      addWorker();
      const worker = new AnyWorker<T, R>(name, processor, { ...options, ...common }, factory);
      worker.on('error', (error) => log(`worker of queue ${name} on ${kind}`, error));
      workers.push(worker);
      return worker;
    },
    close: (timeoutMs = 20_000) => (closed ??= close(timeoutMs)),
  };
}

type Closable = { close(): Promise<void>; disconnect(): Promise<void> };

// BullMQ gives its classes another type for each backend, though they are the same classes; here
// they become one type whose constructor takes either connection.
/* oxlint-disable typescript/no-unsafe-type-assertion */
const AnyQueue = Queue as unknown as new <T, R>(...args: readonly unknown[]) => Queue<T, R>;
const AnyWorker = Worker as unknown as new <T, R>(...args: readonly unknown[]) => Worker<T, R>;
/* oxlint-enable typescript/no-unsafe-type-assertion */

/** A lost connection reaches us once per queue and worker that shares it. */
function onceEach(log: QueueLog): QueueLog {
  const seen = new WeakSet<Error>();
  return (message, error) => {
    if (seen.has(error)) return;
    seen.add(error);
    log(message, error);
  };
}
