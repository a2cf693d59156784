import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { connectQueues, type QueueBackend } from '../../src/queue/backend.ts';
import { endChildren, startChild } from '../support/child.ts';
import { emptyDatabase, type TestDatabase } from '../support/database.ts';
import { backends } from '../support/queues.ts';
import { findRedis, startRedis, type TestRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';

let database: TestDatabase;
beforeAll(async () => (database = await emptyDatabase()));
afterAll(async () => await database.drop());
afterEach(endChildren);

describe.each(backends)('queues on $name', ({ name, connect, target }) => {
  let backend: QueueBackend;
  beforeAll(async () => (backend = await connect(database.url)));
  afterAll(async () => await backend.close());

  test('says what it runs on', () => {
    expect(backend.kind).toBe(name);
  });

  test('a job reaches a worker with its data and brings back a result', async () => {
    const queue = backend.makeQueue<{ n: number }, number>('plain');
    backend.makeWorker<{ n: number }, number>('plain', async (job) => job.data.n * 2);
    const { id } = await queue.add('double', { n: 21 });
    const result = await until('the job is done', async () => {
      const job = await queue.getJob(id ?? '');
      return job?.returnvalue;
    });
    expect(result).toBe(42);
  });

  test('every job of a bulk is run, by several workers, exactly once', async () => {
    const queue = backend.makeQueue<{ n: number }>('bulk');
    const seen: number[] = [];
    for (let worker = 0; worker < 3; worker++) {
      const take = async (job: { data: { n: number } }): Promise<void> =>
        void seen.push(job.data.n);
      backend.makeWorker<{ n: number }>('bulk', take, { concurrency: 5 });
    }
    const jobs = Array.from({ length: 300 }, (_, n) => ({ name: 'one', data: { n } }));
    await queue.addBulk(jobs);
    await until('all are completed', async () => (await queue.getCompletedCount()) === 300);
    expect(seen.toSorted((a, b) => a - b)).toEqual(jobs.map(({ data }) => data.n));
  });

  test('a job that fails is tried again, and kept as failed after its last try', async () => {
    const queue = backend.makeQueue<{ failures: number }>('retries');
    const tries: string[] = [];
    const work = async (job: { name: string; data: { failures: number } }): Promise<void> => {
      tries.push(job.name);
      const made = tries.filter((other) => other === job.name).length;
      if (made <= job.data.failures) throw new Error(`failure ${made}`);
    };
    backend.makeWorker<{ failures: number }>('retries', work);
    const options = { attempts: 3, backoff: { type: 'fixed', delay: 10 } };
    const cured = await queue.add('cured', { failures: 2 }, options);
    const hopeless = await queue.add('hopeless', { failures: 9 }, options);
    await until('one is completed', async () => (await cured.getState()) === 'completed');
    await until('one is failed', async () => (await hopeless.getState()) === 'failed');
    expect(tries.toSorted()).toEqual(['cured', 'cured', 'cured', ...Array(3).fill('hopeless')]);
    expect((await queue.getFailed()).map((job) => job?.failedReason)).toEqual(['failure 3']);
  });

  test('a job id that is there already adds no second job', async () => {
    const queue = backend.makeQueue<{ n: number }>('identity');
    await queue.add('first', { n: 1 }, { jobId: 'same' });
    await queue.add('second', { n: 2 }, { jobId: 'same' });
    expect(await queue.getWaitingCount()).toBe(1);
    expect((await queue.getJob('same'))?.data).toEqual({ n: 1 });
  });

  test('a job whose worker process was killed is run again by another', async () => {
    const queue = backend.makeQueue('stalled');
    const args = [JSON.stringify(target(database.url)), 'stalled'];
    const child = startChild('stuck-worker.ts', args);
    const { id } = await queue.add('long', {});
    expect(await child.next()).toBe(id);
    child.kill('SIGKILL');
    const runs: (string | undefined)[] = [];
    const settings = { lockDuration: 1_000, stalledInterval: 500 };
    backend.makeWorker('stalled', async (job) => void runs.push(job.id), settings);
    await until('it is completed', async () => (await queue.getCompletedCount()) === 1);
    expect(runs).toEqual([id]);
  });

  test('a scheduler set twice is one, ticks again and again, and can be removed', async () => {
    const queue = backend.makeQueue<{ version: number }>('ticks');
    for (const version of [1, 2]) {
      await queue.upsertJobScheduler('tick', { every: 100 }, { name: 'tick', data: { version } });
    }
    expect(await queue.getJobSchedulers()).toHaveLength(1);
    const versions: number[] = [];
    backend.makeWorker<{ version: number }>('ticks', async (job) => {
      versions.push(job.data.version);
    });
    await until('it ticked three times', () => versions.length >= 3);
    expect(new Set(versions)).toEqual(new Set([2]));
    expect(await queue.removeJobScheduler('tick')).toBe(true);
    expect(await queue.getJobSchedulers()).toEqual([]);
  });

  test('close waits for the job in hand, and its result is kept', async () => {
    const closing = await connect(database.url);
    onTestFinished(async () => await closing.close(100));
    const queue = backend.makeQueue<object, string>('closing');
    let finish = (): void => {};
    const asked = new Promise<void>((resolve) => (finish = resolve));
    let isTaken = false;
    closing.makeWorker<object, string>('closing', async () => {
      isTaken = true;
      await asked;
      return 'finished';
    });
    await queue.addBulk([
      { name: 'in hand', data: {} },
      { name: 'left for others', data: {} },
    ]);
    await until('the worker has it', () => isTaken);
    let isClosed = false;
    const closed = closing.close().then(() => (isClosed = true));
    // A round trip on the same servers: had close not waited, it would be done by now.
    expect(await queue.getActiveCount()).toBe(1);
    expect(isClosed).toBe(false);
    finish();
    await closed;
    expect((await queue.getCompleted()).map((job) => job?.returnvalue)).toEqual(['finished']);
    expect(await queue.getWaitingCount()).toBe(1);
    await closing.close();
  });
});

describe.each(backends)('closing on $name', ({ target }) => {
  test('a job that hangs is cut off when its time is over', async () => {
    const reports: string[] = [];
    const log = (_: string, error: Error): void => void reports.push(error.message);
    const backend = await connectQueues(target(database.url), log);
    const queue = backend.makeQueue('hanging');
    let isTaken = false;
    backend.makeWorker('hanging', async () => {
      isTaken = true;
      await new Promise<never>(() => {});
    });
    await queue.add('hang', {});
    await until('the worker has it', () => isTaken);
    await backend.close(100);
    expect(reports).toContain('not closed after 100 ms');
  });
});

test('making queues on PostgreSQL never needs more connections than set, beside one per worker', async () => {
  const backend = await connectQueues({ databaseUrl: database.url, max: 2 }, console.error);
  onTestFinished(async () => await backend.close(100));
  const done: number[] = [];
  const queues = [1, 2, 3, 4].map((n) => {
    const name = `frugal-${n}`;
    backend.makeWorker<{ n: number }>(name, async (job) => void done.push(job.data.n));
    return backend.makeQueue<{ n: number }>(name);
  });
  await Promise.all(queues.map(async (queue, n) => await queue.add('one', { n })));
  await until('all are done', () => done.length === 4);
  const { rows } = await database.pool.query<{ used: bigint }>(
    `select count(*) as used from pg_stat_activity where datname = current_database()
      and pid <> pg_backend_pid() and usename is not null`,
  );
  expect(rows[0]?.used).toBeLessThanOrEqual(2n + 4n);
});

test('a database that cannot be reached is an error, not a wait', async () => {
  const target = { databaseUrl: 'postgres://nobody@127.0.0.1:1/none' };
  await expect(connectQueues(target, console.error)).rejects.toThrow('ECONNREFUSED');
});

test('a Redis that cannot be reached is an error that names it, without the password', async () => {
  const target = { redisUrl: 'redis://:s3cret@127.0.0.1:1' };
  const message =
    /^Redis at 127\.0\.0\.1:1 cannot be reached: connect ECONNREFUSED 127\.0\.0\.1:1$/;
  await expect(connectQueues(target, console.error)).rejects.toThrow(message);
});

const redisServer = findRedis();

test.runIf(redisServer)('a Redis that may evict jobs is refused', async () => {
  const redis = await ownRedis({ 'maxmemory-policy': 'volatile-lru' });
  await expect(connectQueues({ redisUrl: redis.url }, console.error)).rejects.toThrow(
    'Redis has maxmemory-policy volatile-lru, so it may throw jobs away',
  );
});

test.runIf(redisServer)('a Redis that goes away and comes back is used again', async () => {
  const first = await ownRedis();
  const reports: string[] = [];
  const backend = await connectQueues({ redisUrl: first.url }, (_, e) => reports.push(e.message));
  onTestFinished(async () => await backend.close(100));
  const queue = backend.makeQueue<{ n: number }>('back');
  const done: number[] = [];
  backend.makeWorker<{ n: number }>('back', async (job) => void done.push(job.data.n));
  await queue.add('before', { n: 1 });
  await until('the first is done', () => done.length === 1);
  await first.stop();
  await until('the loss is reported', () => reports.length > 0);
  const added = queue.add('meanwhile', { n: 2 });
  await ownRedis({ port: new URL(first.url).port });
  await added;
  await until('the second is done', () => done.length === 2);
  expect(done).toEqual([1, 2]);
});

test.runIf(redisServer)('closing does not wait for ever for a Redis that is away', async () => {
  const redis = await ownRedis();
  const backend = await connectQueues({ redisUrl: redis.url }, () => {});
  const queue = backend.makeQueue('away');
  let isTaken = false;
  backend.makeWorker('away', async () => void (isTaken = true));
  await queue.add('one', {});
  await until('the worker runs', () => isTaken);
  await redis.stop();
  await backend.close(100);
});

/** A Redis for one test, stopped after it. */
async function ownRedis(settings: Readonly<Record<string, string>> = {}): Promise<TestRedis> {
  const folder = await mkdtemp(path.join(tmpdir(), 'gigameter-redis-'));
  const redis = await startRedis(redisServer ?? '', folder, settings);
  onTestFinished(async () => {
    await redis.stop();
    await rm(folder, { recursive: true });
  });
  return redis;
}
