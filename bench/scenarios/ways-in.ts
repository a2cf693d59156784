import type { Worker } from 'bullmq';
import { pino } from 'pino';
import { eventParser } from '../../src/events/parse-event.ts';
import { prepareMonths } from '../../src/metering/months.ts';
import { eventRecorder, type RecordEvents } from '../../src/metering/record-events.ts';
import { platformRecording } from '../../src/platform/recording.ts';
import { connectQueues, type QueueBackend } from '../../src/queue/backend.ts';
import { makeEventsQueue, startEventsWorker } from '../../src/queue/events-queue.ts';
import { openHttp } from '../../src/service/open-http.ts';
import { openRecorder } from '../../src/service/open-recorder.ts';
import { format, type Figure } from '../figures.ts';
import { median, wallMs } from '../measure.ts';
import { newOracle, type Oracle } from '../oracle.ts';
import { inParts } from '../parts.ts';
import { openClients } from '../post-events.ts';
import { seeded, type Random } from '../random.ts';
import { accountReports, END, NOW, scaleReports, SIGNED_UP, type Report } from '../reports.ts';
import type { Scenario, Size } from '../scenario.ts';
import type { BenchDatabase, Servers } from '../servers.ts';

const SIZES: Readonly<Record<Size, { rounds: number; single: number; batched: number }>> = {
  small: { rounds: 1, single: 500, batched: 5_000 },
  default: { rounds: 3, single: 4_000, batched: 20_000 },
  large: { rounds: 5, single: 20_000, batched: 100_000 },
};
const ACCOUNTS = 500;
const CONCURRENCY = 50;
const CLIENTS = 50;
const FIRST = 10_000;
const HTTP_BATCH = 100;

/**
 * Events on all their ways in, up to the commit: through BullMQ on both backends, one event a job and a
 * thousand, against jobs that do nothing and against recording without a queue; and through HTTP.
 */
export const waysIn: Scenario = {
  name: 'b',
  about: 'events through BullMQ and HTTP, against empty jobs and bare recording',
  run: async (servers, size) => {
    const bench = await openBench(servers, size);
    const figures: Figure[] = [];
    for (const [backend, connect] of backendsOf(servers, bench.database)) {
      const queues = await connect();
      figures.push(...(await compareSingle(bench, queues, backend)));
      figures.push(await compareBatches(bench, queues, backend));
      await queues.close();
    }
    figures.push(await compareHttp(bench));
    await bench.oracle.check(bench.database.db);
    await bench.database.drop();
    return figures;
  },
};

type Bench = {
  readonly database: BenchDatabase;
  readonly record: RecordEvents;
  readonly oracle: Oracle;
  readonly size: (typeof SIZES)[Size];
  /** So many events nobody has heard of, later than all before. */
  readonly nextReports: (count: number) => Report[];
};

async function openBench(servers: Servers, size: Size): Promise<Bench> {
  const database = await servers.makeDatabase();
  const record = eventRecorder({ db: database.db, ...platformRecording(eventParser(1000)) });
  const random: Random = seeded(3);
  await prepareMonths(database.db, NOW);
  await record(NOW, accountReports(random, 0, ACCOUNTS));
  const oracle = newOracle();
  const step = Math.floor((END - SIGNED_UP) / 100);
  let from = SIGNED_UP;
  const nextReports = (count: number): Report[] => {
    const reports = scaleReports(random, count, { from: 0, to: ACCOUNTS }, [from, from + step]);
    from += step;
    oracle.heard(reports);
    return reports;
  };
  for (const part of inParts(nextReports(FIRST), 1000)) await record(NOW, part);
  // As autovacuum does within a minute: plans for empty tables read whole accounts.
  await database.pool.query('vacuum analyze');
  return { database, record, oracle, size: SIZES[size], nextReports };
}

function backendsOf(
  { redisUrl }: Servers,
  { url }: BenchDatabase,
): [string, () => Promise<QueueBackend>][] {
  const onPostgres = async () => await connectQueues({ databaseUrl: url }, console.error);
  if (redisUrl === undefined) return [['PostgreSQL', onPostgres]];
  return [
    ['Redis', async () => await connectQueues({ redisUrl }, console.error)],
    ['PostgreSQL', onPostgres],
  ];
}

/** The time from the start of a worker to the end of the last of the jobs that wait for it. */
async function drained<R>(
  add: () => Promise<unknown>,
  jobs: number,
  start: () => Worker<unknown, R>,
): Promise<number> {
  await add();
  let worker: Worker<unknown, R> | undefined;
  const ms = await wallMs(
    async () =>
      await new Promise<void>((resolve, reject) => {
        let done = 0;
        worker = start();
        worker.on('failed', (_, error) => reject(error));
        worker.on('completed', () => {
          done += 1;
          if (done === jobs) resolve();
        });
      }),
  );
  await worker?.close();
  return ms;
}

async function drainEvents(
  bench: Bench,
  queues: QueueBackend,
  jobs: readonly unknown[],
  record = openRecorder(bench.database.db, platformRecording(eventParser(1000))),
): Promise<number> {
  const queue = makeEventsQueue(queues);
  return await drained(
    async () => await queue.addBulk(jobs.map((data) => ({ name: 'reported', data }))),
    jobs.length,
    () => startEventsWorker(queues, { record, clock: () => NOW }),
  );
}

async function compareSingle(
  bench: Bench,
  queues: QueueBackend,
  backend: string,
): Promise<Figure[]> {
  const { rounds, single } = bench.size;
  const empty = queues.makeQueue<unknown>('empty', {
    defaultJobOptions: { removeOnComplete: true },
  });
  const ours: number[] = [];
  const apart: number[] = [];
  const limits: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const reports = bench.nextReports(single);
    limits.push(
      await drained(
        async () => await empty.addBulk(reports.map((data) => ({ name: 'empty', data }))),
        single,
        () => queues.makeWorker('empty', async () => {}, { concurrency: CONCURRENCY }),
      ),
    );
    ours.push(await drainEvents(bench, queues, reports));
    // PostgreSQL's backend is itself the limit of such jobs.
    if (backend === 'Redis') {
      apart.push(await drainEvents(bench, queues, bench.nextReports(single), bench.record));
    }
  }
  const perSecond = (ms: readonly number[]): string =>
    `${format((single * 1000) / median(ms))} jobs/s`;
  const figure = (of: string, limit: readonly number[], atLeast: number): Figure => ({
    scenario: 'b',
    what: `jobs of one event on ${backend}, of ${of}`,
    measured: perSecond(ours),
    limit: perSecond(limit),
    ratio: median(limit.map((ms, round) => ms / ours[round]!)),
    ...(backend === 'Redis' ? { target: { atLeast } } : {}),
  });
  const ofNothing = figure('jobs that do nothing', limits, 0.45);
  return apart.length === 0
    ? [ofNothing]
    : [ofNothing, figure('a transaction for each job', apart, 4)];
}

/** What recording the same number of events takes without any way in, a thousand at a time. */
async function bareMs(bench: Bench): Promise<number> {
  const parts = inParts(bench.nextReports(bench.size.batched), 1000);
  return await wallMs(async () => {
    for (const part of parts) await bench.record(NOW, part);
  });
}

async function compareBatches(
  bench: Bench,
  queues: QueueBackend,
  backend: string,
): Promise<Figure> {
  const what = `jobs of 1000 events on ${backend}, of recording without a queue`;
  return await againstBare(
    bench,
    what,
    0.85,
    async (reports) => await drainEvents(bench, queues, inParts(reports, 1000)),
  );
}

async function againstBare(
  bench: Bench,
  what: string,
  atLeast: number,
  send: (reports: readonly Report[]) => Promise<number>,
): Promise<Figure> {
  const { rounds, batched } = bench.size;
  const ours: number[] = [];
  const limits: number[] = [];
  for (let round = 0; round < rounds; round++) {
    limits.push(await bareMs(bench));
    ours.push(await send(bench.nextReports(batched)));
  }
  const perSecond = (ms: readonly number[]): string =>
    `${format((batched * 1000) / median(ms))} events/s`;
  return {
    scenario: 'b',
    what,
    measured: perSecond(ours),
    limit: perSecond(limits),
    ratio: median(limits.map((limit, round) => limit / ours[round]!)),
    target: { atLeast },
  };
}

async function compareHttp(bench: Bench): Promise<Figure> {
  const { database } = bench;
  const plenty = { operatorKey: 1e9, accountKey: 1e9, refusedAddress: 1e9 };
  const recording = platformRecording(eventParser(1000));
  const server = await openHttp(
    {
      maxReplicas: 1000,
      redisUrl: undefined,
      stripe: { paymentAttemptDays: [] },
      http: { trustedProxies: [], rateLimits: plenty },
    },
    {
      database: { ...database, migrated: [], stop: database.drop },
      recording,
      record: openRecorder(database.db, recording),
      clock: () => NOW,
      log: pino({ level: 'error' }, pino.destination(2)),
      stripe: () => {
        throw new Error('recording events does not need Stripe');
      },
    },
  );
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  const prepare = await openClients(database.db, url, { clients: CLIENTS, batch: HTTP_BATCH });
  const what = `POST /v1/events, ${HTTP_BATCH} events at a time from ${CLIENTS} clients, of bare recording`;
  const figure = await againstBare(
    bench,
    what,
    0.5,
    async (reports) => await wallMs(prepare(reports)),
  );
  await server.close();
  return figure;
}
