import { once } from 'node:events';
import { Queue } from 'bullmq';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { connectQueues } from '../../src/queue/backend.ts';
import { makeEventsQueue } from '../../src/queue/events-queue.ts';
import { TICKS_QUEUE } from '../../src/queue/ticks.ts';
import { startLocalStripe, type LocalStripe } from '../../src/stripe/local/local-stripe.ts';
import { emptyDatabase, type TestDatabase } from '../support/database.ts';
import { backends } from '../support/queues.ts';
import { reporter } from '../support/reports.ts';
import { endServing, startServing, type Serving } from '../support/serving.ts';
import { until } from '../support/until.ts';

describe.each(backends)('on $name', ({ name }) => {
  const redisUrl = name === 'redis' ? inject('redisUrl')! : undefined;
  let database: TestDatabase;
  let stripe: LocalStripe;

  beforeAll(async () => {
    database = await emptyDatabase();
    stripe = await startLocalStripe({ clock: () => new Date(), environment: 'test' });
  });
  afterEach(endServing);
  afterAll(async () => {
    await database.drop();
    await stripe.close();
  });

  const start = async (): Promise<Serving> =>
    await startServing({
      DATABASE_URL: database.url,
      REDIS_URL: redisUrl ?? '',
      STRIPE_API_KEY: 'sk_test_started',
      STRIPE_API_BASE: stripe.url,
      CLOSE_GRACE_SECONDS: '0',
    });

  test('two processes start at once on an empty database, share the work and stop when told', async () => {
    const services = await Promise.all([start(), start()]);
    for (const { url } of services) {
      expect((await fetch(`${url}/healthz`)).status).toBe(200);
      expect((await fetch(`${url}/readyz`)).status).toBe(200);
      expect((await fetch(`${url}/nowhere`)).status).toBe(404);
      const forged = await fetch(`${url}/webhooks/stripe`, { method: 'POST', body: '{}' });
      expect(forged.status).toBe(400);
    }
    const target = redisUrl === undefined ? { databaseUrl: database.url } : { redisUrl };
    const queues = await connectQueues(target, console.error);
    const say = reporter();
    const account = 'served';
    // As the README tells a controller to.
    const controller =
      redisUrl === undefined
        ? makeEventsQueue(queues)
        : new Queue('events', { connection: { url: redisUrl }, prefix: 'gigameter' });
    await controller.add('reported', [
      say('account.created', '2026-01-01T00:00:00Z', { account, email: 's@served.example' }),
      say('app.deployed', '2026-01-01T00:00:00Z', { account, app: 'web', replicas: 1, size: 0.2 }),
    ]);
    const count = async (table: string): Promise<number> => {
      const { rows } = await database.pool.query<{ count: bigint }>(
        `select count(*) from ${table} where account_id = 'served'`,
      );
      return Number(rows[0]!.count);
    };
    await until('the events are recorded', async () => (await count('event')) === 2);
    // A process that starts looks for work at once.
    services.push(await start());
    await until('the ended periods are closed', async () => (await count('billing_period')) >= 10);
    for (const { child } of services) child.kill('SIGTERM');
    for (const { child } of services) {
      if (child.exitCode === null) await once(child, 'exit');
      expect(child.exitCode).toBe(0);
    }
    for (const queue of [makeEventsQueue(queues), queues.makeQueue(TICKS_QUEUE)]) {
      await queue.obliterate({ force: true });
    }
    await controller.close();
    await queues.close();
  });
});
