import { afterAll, beforeAll, expect, test } from 'vitest';
import { reporter } from '../support/reports.ts';
import { until } from '../support/until.ts';
import { openApi, type Api } from './support/api.ts';

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(async () => await api.close());

const BATCHES = 50;
const BATCH = 500;
const account = 'eager';

test('while the recorder is behind, clients are asked to come again, and nothing is lost', async () => {
  const { pool } = api.world.database;
  const say = reporter();
  const batches = Array.from({ length: BATCHES }, (_, batch) =>
    Array.from({ length: BATCH }, (_unused, n) =>
      say('app.scaled', '2026-01-11T00:00:00Z', { account, app: `${batch}`, replicas: n, size: 1 }),
    ),
  );
  const post = async (body: unknown) =>
    await api.call({ method: 'POST', url: '/v1/events', key: api.keys.ingest, body });
  await post([
    say('account.created', '2026-01-10T00:00:00Z', { account, email: 'a@b.c' }),
    say('account.upgraded', '2026-01-10T00:00:00Z', { account }),
  ]);
  const client = await pool.connect();
  await client.query('begin; lock table event in access exclusive mode');
  const calls = batches.map(async (batch) => ({ batch, answer: await post(batch) }));
  const refused: unknown[] = [];
  for (const call of calls)
    void call.then(({ answer }) => answer.status === 429 && refused.push(1));
  await until('the first ones are asked to come again', () => refused.length === BATCHES - 40);
  await client.query('commit');
  client.release();
  const answers = await Promise.all(calls);
  const later = answers.filter(({ answer }) => answer.status !== 200);
  for (const { answer } of later) {
    expect(answer.status).toBe(429);
    expect(answer.headers['retry-after']).toBe('1');
    expect(answer.body).toMatchObject({ code: 'recorder_busy' });
  }
  for (const { batch } of later) expect((await post(batch)).status).toBe(200);
  const { rows } = await pool.query<{ count: bigint }>(
    `select count(*) from event where type = 'app.scaled'`,
  );
  expect(rows[0]!.count).toBe(BigInt(BATCHES * BATCH));
});
