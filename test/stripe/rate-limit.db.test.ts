import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { findUnresolvedDrift } from '../../src/stripe/drift.ts';
import type { Answer, Gateway } from '../../src/stripe/gateway.ts';
import { limitGateway, type RateLimit } from '../../src/stripe/rate-limit.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let nowMs = Date.UTC(2026, 1, 10);
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(async () => await database.drop());
beforeEach(async () => {
  await database.db.deleteFrom('stripe_rate').execute();
});

const OK: Answer = { outcome: 'ok', body: {}, requestId: null };
const LIMITED: Answer = { outcome: 'limited', reason: '429' };
const BARRED: Answer = { outcome: 'barred', reason: '401' };

/** A Stripe that notes when calls reach it; waiting is instant and only adds up. */
function makeLimited(answer: () => Answer, limit: Partial<RateLimit> = {}) {
  const waits: number[] = [];
  let calls = 0;
  const stripe: Gateway = {
    send: async () => {
      calls += 1;
      return answer();
    },
  };
  const gateway = limitGateway(stripe, {
    db: database.db,
    clock: () => new Date(nowMs),
    wait: async (ms) => {
      waits.push(ms);
    },
    ...limit,
  });
  return { gateway, waits, calls: () => calls };
}

const request = { method: 'GET', path: '/v1/invoices/in_1abc', params: {} } as const;

test('calls of many processes leave one endpoint evenly spaced, at its rate and no faster', async () => {
  const one = makeLimited(() => OK, { endpointPerSecond: 10 });
  const other = makeLimited(() => OK, { endpointPerSecond: 10 });
  await Promise.all(
    Array.from({ length: 30 }, (_, n) => (n % 2 ? one : other).gateway.send(request)),
  );
  const waits = [0, ...one.waits, ...other.waits].toSorted((a, b) => a - b);
  expect(waits).toEqual(Array.from({ length: 30 }, (_, n) => n * 100));
});

test('a crowded endpoint does not hold up the others', async () => {
  const { gateway, waits } = makeLimited(() => OK, { endpointPerSecond: 1, totalPerSecond: 100 });
  for (let call = 0; call < 5; call += 1) await gateway.send(request);
  waits.length = 0;
  await gateway.send({ method: 'POST', path: '/v1/invoices', params: {} });
  expect(waits).toEqual([50]);
});

test('a call whose turn is too far off is put off, without taking a turn', async () => {
  const { gateway, calls } = makeLimited(() => OK, { endpointPerSecond: 1, maxWaitMs: 2_000 });
  const answers = [];
  for (let call = 0; call < 6; call += 1) answers.push(await gateway.send(request));
  expect(calls()).toBe(3);
  expect(answers[5]).toEqual({
    outcome: 'limited',
    reason: 'our own rate limit',
    retryAfterMs: 3_000,
  });
});

test('a 429 halves the rate once per second; it recovers by itself', async () => {
  const limited = makeLimited(() => LIMITED, { endpointPerSecond: 10 });
  for (let call = 0; call < 4; call += 1) await limited.gateway.send(request);
  const spacing = async (): Promise<number> => {
    nowMs += 2_000;
    const { gateway, waits } = makeLimited(() => OK, { endpointPerSecond: 10 });
    await gateway.send(request);
    await gateway.send(request);
    return waits[0] ?? 0;
  };
  expect(await spacing()).toBe(200);
  await limited.gateway.send(request);
  expect(await spacing()).toBe(400);
  nowMs += 30_000;
  expect(await spacing()).toBe(200);
  nowMs += 30_000;
  expect(await spacing()).toBe(100);
});

test('a locked object is no reason to slow down', async () => {
  const locked = makeLimited(() => ({ ...LIMITED, isLockTimeout: true }), {
    endpointPerSecond: 10,
  });
  await locked.gateway.send(request);
  nowMs += 2_000;
  const { gateway, waits } = makeLimited(() => OK, { endpointPerSecond: 10 });
  await gateway.send(request);
  await gateway.send(request);
  expect(waits).toEqual([100]);
});

test('S20 a key that is revoked in mid-run stops all calls for a minute and raises one alarm', async () => {
  const { gateway, calls } = makeLimited(() => BARRED);
  for (let call = 0; call < 5; call += 1) {
    expect(await gateway.send(request)).toMatchObject({ outcome: 'barred' });
  }
  expect(calls()).toBe(1);
  expect(await findUnresolvedDrift(database.db)).toMatchObject([{ kind: 'stripe_key_refused' }]);
  nowMs += 60_000;
  const mended = makeLimited(() => OK);
  expect(await mended.gateway.send(request)).toEqual(OK);
  expect(await findUnresolvedDrift(database.db)).toEqual([]);
});
