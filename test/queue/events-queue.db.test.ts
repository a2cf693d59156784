import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { eventParser } from '../../src/events/parse-event.ts';
import { usageOf } from '../../src/metering/usage/usage-store.ts';
import type { QueueBackend } from '../../src/queue/backend.ts';
import {
  makeEventsQueue,
  redriveFailedEvents,
  startEventsWorker,
} from '../../src/queue/events-queue.ts';
import { openRecorder } from '../../src/service/open-recorder.ts';
import { endChildren, startChild } from '../support/child.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { backends } from '../support/queues.ts';
import { reporter } from '../support/reports.ts';
import { until } from '../support/until.ts';

const now = new Date('2026-03-01T00:00:00Z');
const clock = () => now;
const SOON = { lockDuration: 1_000, stalledInterval: 500 };

describe.each(backends)('events on $name', ({ connect, target }) => {
  let database: TestDatabase;
  const open: QueueBackend[] = [];
  let accounts = 0;

  beforeAll(async () => {
    database = await freshDatabase();
  });
  afterEach(async () => {
    await endChildren();
    for (const backend of open.splice(0)) {
      await backend.makeQueue('events').obliterate({ force: true });
      await backend.close();
    }
  });
  afterAll(async () => await database.drop());

  async function connected(): Promise<QueueBackend> {
    const backend = await connect(database.url);
    open.push(backend);
    return backend;
  }

  function recorder() {
    return openRecorder(database.db, { parse: eventParser(1000) });
  }

  function story() {
    const account = `queued-${++accounts}`;
    const say = reporter(account);
    const report = (type: string, time: string, data: object = {}) =>
      say(type, time, { account, ...data });
    return {
      account,
      created: report('account.created', '2026-01-01T00:00:00Z', { email: 'q@queued.example' }),
      runs: (app: string) =>
        report('app.deployed', '2026-01-02T00:00:00Z', { app, replicas: 1, size: 0.2 }),
      badly: () => report('app.scaled', '2026-01-02T00:00:00Z', { app: 'web', size: 'big' }),
    };
  }

  async function daysOfUse(account: string): Promise<number> {
    const window = { account, from: 1767312000n, to: 1767312000n + 86_400n };
    const [usage] = await usageOf(database.db, [window]);
    const tenths = usage!.apps.reduce((sum, { rssTenths }) => sum + rssTenths, 0n);
    return Number(tenths) / (2 * 86_400);
  }

  test('a job holds one event or an array; its result says what became of them', async () => {
    const { account, created, runs, badly } = story();
    const backend = await connected();
    startEventsWorker(backend, { record: recorder(), clock });
    const queue = makeEventsQueue(backend);
    const one = await queue.add('reported', created);
    const web = runs('web');
    const many = await queue.add('reported', [web, badly(), web, runs('api')]);
    await until('both jobs are done', async () => {
      const jobs = await Promise.all([queue.getJob(one.id!), queue.getJob(many.id!)]);
      return jobs.every((job) => job?.finishedOn !== undefined);
    });
    expect((await queue.getJob(one.id!))?.returnvalue).toEqual({
      recorded: 1,
      duplicate: 0,
      parked: 0,
      refused: 0,
    });
    expect((await queue.getJob(many.id!))?.returnvalue).toEqual({
      recorded: 2,
      duplicate: 1,
      parked: 0,
      refused: 1,
    });
    expect(await daysOfUse(account)).toBe(2);
  });

  test('an array of any length is recorded, a thousand events to a commit', async () => {
    const { account, created, runs, badly } = story();
    const backend = await connected();
    const record = recorder();
    const commits: number[] = [];
    startEventsWorker(backend, {
      clock,
      record: async (at, reported) => {
        commits.push(reported.length);
        return await record(at, reported);
      },
    });
    const queue = makeEventsQueue(backend);
    const apps = Array.from({ length: 2_198 }, (_, n) => runs(`app-${n}`));
    const { id } = await queue.add('reported', [...apps, badly(), created]);
    await until('all is counted', async () => (await daysOfUse(account)) === 2_198);
    await until('the job is done', async () => (await queue.getJobCounts('active')).active === 0);
    expect(commits).toEqual([1000, 1000, 200]);
    expect((await queue.getJob(id!))?.returnvalue).toEqual({
      recorded: 199,
      duplicate: 0,
      parked: 2_000,
      refused: 1,
    });
  });

  test('of the jobs of a controller that sets no options a thousand are kept', async () => {
    const backend = await connected();
    const queue = backend.makeQueue('events');
    await queue.addBulk(Array.from({ length: 1_100 }, () => ({ name: 'any', data: [] })));
    startEventsWorker(backend, { record: recorder(), clock });
    await until('all are done', async () => {
      const counts = await queue.getJobCounts('waiting', 'active');
      return Object.values(counts).every((count) => count === 0);
    });
    // Each job that is done takes those away that are too many; several are done at once.
    const { completed } = await queue.getJobCounts('completed');
    expect(completed).toBeGreaterThan(0);
    expect(completed).toBeLessThan(1_050);
  });

  test('whatever a job holds, the queue goes on and the content can be read', async () => {
    const { account, created, runs } = story();
    const backend = await connected();
    startEventsWorker(backend, { record: recorder(), clock });
    const queue = makeEventsQueue(backend);
    const nonsense = [7, 'text', [], [[]], { account }, [{ data: 7 }]];
    await queue.addBulk(nonsense.map((data) => ({ name: 'reported', data })));
    await queue.add('reported', [created, runs('web')]);
    await until('the good events are counted', async () => (await daysOfUse(account)) === 1);
    expect(await queue.getJobCounts('failed')).toEqual({ failed: 0 });
    const quarantined = await database.db
      .selectFrom('quarantined_event')
      .select('reported')
      .where('code', '=', 'invalid_event')
      .execute();
    expect(quarantined.map(({ reported }) => reported)).toEqual(
      expect.arrayContaining(['7', '"text"', '[]', JSON.stringify({ account })]),
    );
  });

  test.each(['before', 'after'])(
    'a worker killed with -9 in mid-batch, %s its commit: no event is lost or counted twice',
    async (moment) => {
      const { account, created, runs } = story();
      const backend = await connected();
      const queue = makeEventsQueue(backend);
      const reports = [created, ...Array.from({ length: 40 }, (_, n) => runs(`app-${n}`))];
      await queue.addBulk(reports.map((data) => ({ name: 'reported', data })));
      const doomed = startChild('events-worker.ts', [
        JSON.stringify(target(database.url)),
        database.url,
        moment,
      ]);
      await doomed.next();
      if (moment === 'after') await doomed.next();
      doomed.kill('SIGKILL');
      await doomed.ended;
      startEventsWorker(backend, { record: recorder(), clock }, SOON);
      await until('all events are counted', async () => (await daysOfUse(account)) === 40);
      await until('the queue is empty', async () => {
        const counts = await queue.getJobCounts('waiting', 'active', 'delayed', 'failed');
        return Object.values(counts).every((count) => count === 0);
      });
      expect(await daysOfUse(account)).toBe(40);
      const events = await database.db
        .selectFrom('event')
        .select('event_id')
        .where('account_id', '=', account)
        .execute();
      expect(events).toHaveLength(41);
    },
  );

  test('jobs that failed for good while the database was away are recorded after a re-drive', async () => {
    const { account, created, runs } = story();
    const backend = await connected();
    const queue = makeEventsQueue(backend);
    const record = recorder();
    let isAway = true;
    startEventsWorker(backend, {
      clock,
      record: async (at, reported) => {
        if (isAway) throw new Error('the database is away');
        return await record(at, reported);
      },
    });
    await queue.add('reported', [created, runs('web')], { attempts: 1 });
    await until(
      'the job has failed',
      async () => (await queue.getJobCounts('failed')).failed === 1,
    );
    isAway = false;
    await redriveFailedEvents(queue);
    await until('the events are counted', async () => (await daysOfUse(account)) === 1);
  });
});
