import { sql } from 'kysely';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { openPool } from '../../src/database/pool.ts';
import { openApi, type Api } from './support/api.ts';

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(async () => await api.close());

test('every answer names its request and is guarded by the headers browsers heed', async () => {
  const { keys } = api;
  for (const [url, key] of [
    ['/healthz'],
    ['/docs'],
    ['/nowhere'],
    ['/v1/accounts', keys.read],
    ['/v1/accounts'],
    ['/api/apps'],
    ['/api/validate_email'],
    ['/v1/accounts/%'],
  ] as const) {
    const { headers, body } = await api.call({ url, ...(key === undefined ? {} : { key }) });
    expect([url, headers]).toMatchObject([
      url,
      {
        'x-request-id': expect.stringMatching(/^[\da-f-]{36}$/),
        'x-content-type-options': 'nosniff',
        'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
      },
    ]);
    expect(headers).not.toHaveProperty('x-powered-by');
    if (body?.request_id !== undefined) expect(body.request_id).toBe(headers['x-request-id']);
  }
});

test('answers of the API are for nobody to keep, also those that refuse', async () => {
  for (const request of [{ url: '/v1/accounts', key: api.keys.read }, { url: '/v1/accounts' }]) {
    const { headers } = await api.call(request);
    expect(headers['cache-control']).toBe('no-store');
  }
});

test('each interface has one shape of error, also for what is no address at all', async () => {
  for (const url of ['/v1/nowhere', '/v1/accounts/%', '/nowhere', '/%']) {
    const { status, headers, body } = await api.call({ url });
    expect([url, status]).toSatisfy(() => status === 400 || status === 404);
    expect(headers['content-type']).toMatch('application/problem+json');
    expect([url, body]).toMatchObject([url, { status, detail: expect.stringMatching(/\w+ \w+/) }]);
  }
  for (const url of ['/api/nowhere', '/api/apps/%', '/api/apps/x/domains']) {
    const { status, body } = await api.call({ url });
    expect([url, status]).toSatisfy(() => status === 400 || status === 404);
    expect([url, body]).toEqual([url, { errors: { '': [expect.stringMatching(/\w+ \w+/)] } }]);
  }
});

test('a client that does not finish its request is cut off', () => {
  const { requestTimeout, headersTimeout, keepAliveTimeout } = api.server.server;
  expect(requestTimeout).toBe(30_000);
  expect(headersTimeout).toBeLessThanOrEqual(60_000);
  // Longer than the 60 s of usual balancers, or they would send to a connection just closed.
  expect(keepAliveTimeout).toBeGreaterThan(60_000);
});

test('without its database the process lives, is not ready, and asks to try again', async () => {
  const { db, keys } = api;
  const name = (await sql<{ name: string }>`select current_database() as name`.execute(db)).rows[0]!
    .name;
  expect(await api.call({ url: '/readyz' })).toMatchObject({ status: 200 });
  const admin = openPool({ url: inject('postgresUrl'), max: 1, log: console.error });
  try {
    await admin.query(`alter database ${name} with allow_connections false`);
    await admin.query(`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = '${name}'`);
    expect(await api.call({ url: '/healthz' })).toMatchObject({ status: 200 });
    expect(await api.call({ url: '/readyz' })).toMatchObject({ status: 503 });
    expect(await api.call({ url: '/v1/accounts', key: keys.read })).toMatchObject({
      status: 503,
      headers: { 'retry-after': '5' },
      body: { code: 'database_unavailable' },
    });
  } finally {
    await admin.query(`alter database ${name} with allow_connections true`);
    await admin.end();
  }
  expect(await api.call({ url: '/readyz' })).toMatchObject({ status: 200 });
  expect(await api.call({ url: '/v1/accounts', key: keys.read })).toMatchObject({ status: 200 });
});
