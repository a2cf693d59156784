import { createHmac } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { openWorld, TEST_KEY, WEBHOOK_SECRET, type World } from '../stripe/support/world.ts';
import { findRedis, startRedis } from '../support/redis.ts';
import { endServing, startServing } from '../support/serving.ts';

let world: World;
let folder: string;
beforeAll(async () => {
  world = await openWorld({ hasWebhooks: false });
  folder = await mkdtemp(path.join(tmpdir(), 'gigameter-redis-gone-'));
});
afterEach(endServing);
afterAll(async () => {
  await world.close();
  await rm(folder, { recursive: true, force: true });
});

const program = findRedis();

test.skipIf(program === null)(
  "W09 with Redis gone, Stripe's news is still taken, once however often it comes, and forged news is not",
  async () => {
    const redis = await startRedis(program ?? '', folder);
    const { url } = await startServing({
      DATABASE_URL: world.database.url,
      REDIS_URL: redis.url,
      STRIPE_API_KEY: TEST_KEY,
      STRIPE_API_BASE: world.stripe.url,
      STRIPE_WEBHOOK_SECRETS: WEBHOOK_SECRET,
    });
    await redis.stop();
    const deliver = async (id: string, secret: string): Promise<number> => {
      const at = Math.floor(Date.now() / 1000);
      const data = { object: { id: 'prod_1', object: 'product' } };
      const event = {
        id,
        object: 'event',
        type: 'product.created',
        created: at,
        livemode: false,
        data,
      };
      const body = JSON.stringify(event);
      const signature = createHmac('sha256', secret).update(`${at}.${body}`).digest('hex');
      const headers = { 'stripe-signature': `t=${at},v1=${signature}` };
      return (await fetch(`${url}/webhooks/stripe`, { method: 'POST', body, headers })).status;
    };
    const statuses = await Promise.all(
      ['evt_a', 'evt_a', 'evt_b'].map(async (id) => await deliver(id, WEBHOOK_SECRET)),
    );
    expect(statuses).toEqual([200, 200, 200]);
    expect(await deliver('evt_c', 'whsec_forged')).toBe(400);
    const stored = await world.db
      .selectFrom('stripe_event')
      .select('stripe_event_id')
      .orderBy('stripe_event_id')
      .execute();
    expect(stored.map((row) => row.stripe_event_id)).toEqual(['evt_a', 'evt_b']);
  },
);
