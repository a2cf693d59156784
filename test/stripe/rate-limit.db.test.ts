import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { findUnresolvedDrift } from '../../src/stripe/drift.ts';
import type { Answer, Gateway } from '../../src/stripe/gateway.ts';
import { limitGateway, type RateLimit } from '../../src/stripe/rate-limit.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { until } from '../support/until.ts';

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

/** How far apart two calls of one endpoint leave after `seconds` more. */
async function spacingAfter(seconds: number): Promise<number> {
  nowMs += seconds * 1000;
  const { gateway, waits } = makeLimited(() => OK, { endpointPerSecond: 10 });
  await gateway.send(request);
  await gateway.send(request);
  return waits[0] ?? 0;
}

test('a 429 halves the rate; it recovers by itself', async () => {
  const limited = makeLimited(() => LIMITED, { endpointPerSecond: 10 });
  await limited.gateway.send(request);
  expect(await spacingAfter(2)).toBe(200);
  nowMs += 2_000;
  await limited.gateway.send(request);
  expect(await spacingAfter(2)).toBe(400);
  expect(await spacingAfter(30)).toBe(200);
  expect(await spacingAfter(30)).toBe(100);
});

test('after a 429 nobody calls for a second, and many calls in flight halve the rate only once', async () => {
  const answers: (() => void)[] = [];
  const slow: Gateway = {
    send: async () => {
      await new Promise<void>((resolve) => answers.push(resolve));
      return LIMITED;
    },
  };
  const limit = { db: database.db, clock: () => new Date(nowMs), wait: async () => {} };
  const gateway = limitGateway(slow, { ...limit, endpointPerSecond: 10 });
  const calls = [gateway.send(request), gateway.send(request), gateway.send(request)];
  await until('all three are under way', () => answers.length === 3);
  for (const answer of answers) {
    nowMs += 400;
    answer();
  }
  await Promise.all(calls);
  const { gateway: next, waits } = makeLimited(() => OK, { endpointPerSecond: 10 });
  await next.send(request);
  expect(waits).toEqual([expect.toSatisfy((ms: number) => ms >= 200 && ms <= 1_000)]);
  expect(await spacingAfter(5)).toBe(200);
});

test('turns given out before a 429 are void: they are taken anew at the halved rate', async () => {
  const waits: number[] = [];
  const left: number[] = [];
  let isFirst = true;
  const stripe: Gateway = {
    send: async () => {
      left.push(nowMs);
      return OK;
    },
  };
  const { gateway: refused } = makeLimited(() => LIMITED, { endpointPerSecond: 10 });
  const gateway = limitGateway(stripe, {
    db: database.db,
    clock: () => new Date(nowMs),
    endpointPerSecond: 10,
    wait: async (ms) => {
      waits.push(ms);
      nowMs += ms;
      if (isFirst) {
        isFirst = false;
        await refused.send({ ...request, path: '/v1/invoices/in_2other' });
      }
    },
  });
  await gateway.send(request);
  await gateway.send(request);
  expect(waits[0]).toBe(100);
  expect(waits[1]).toBeGreaterThanOrEqual(1_000);
  expect(left[1]! - left[0]!).toBe(waits.reduce((sum, ms) => sum + ms, 0));
});

test('a 429 that says where there were too many calls slows down nothing else', async () => {
  const other = { method: 'POST', path: '/v1/invoices', params: {} } as const;
  const limited = makeLimited(() => ({ ...LIMITED, limitedOn: 'endpoint' }), {
    endpointPerSecond: 10,
  });
  await limited.gateway.send(request);
  const { gateway, waits } = makeLimited(() => OK, { endpointPerSecond: 10, totalPerSecond: 100 });
  await gateway.send(other);
  expect(waits).toEqual([expect.toSatisfy((ms: number) => ms <= 20)]);
  expect(await spacingAfter(2)).toBe(200);
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
