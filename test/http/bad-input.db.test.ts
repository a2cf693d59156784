import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SCOPES } from '../../src/accounts/api-key.ts';
import { issueOperatorKey } from '../../src/accounts/api-key-store.ts';
import { reporter } from '../support/reports.ts';
import { openApi, type Api, type Answer, type Call } from './support/api.ts';
import { BAD_BODIES, BAD_VALUES } from './support/bad-bodies.ts';
import { operationsOf, type Operation } from './support/operations.ts';

let api: Api;
let host: string;
let key: string;
let operations: Operation[];

beforeAll(async () => {
  api = await openApi();
  host = await api.server.listen({ host: '127.0.0.1', port: 0 });
  const scopes = [...SCOPES];
  key = (await issueOperatorKey(api.db, api.world.clock(), { scopes, label: 'all' })).secret;
  const body = reporter()('account.created', '2026-01-10T00:00:00Z', {
    account: 'victim',
    email: 'victim@a.example',
  });
  await api.call({ method: 'POST', url: '/v1/events', key, body });
  const names = { account: 'victim', invoice: 'inv_0', line: '1', source: 's', id: 'e', book: 'b' };
  operations = operationsOf(api.server, { ...names, price: 'p', database: 'd' });
});
afterAll(async () => await api.close());

/** An answer is no fault of ours, and a refusal says why. */
function expectReadable(what: unknown, { status, headers, body }: Answer): void {
  expect([what, status]).toSatisfy(() => status < 500);
  if (status < 400) return;
  expect([what, headers['content-type']]).toEqual([what, expect.stringMatching('problem\\+json')]);
  expect([what, body.detail]).toEqual([what, expect.stringMatching(/\w+ \w+/)]);
  expect([what, body.detail]).toEqual([what, expect.not.stringMatching(WORDS_OF_SCHEMAS)]);
  expect([what, body.code]).toEqual([what, expect.stringMatching(/^[a-z_]+$/)]);
  // However much is wrong, no more is answered than was sent, or little more.
  expect([what, JSON.stringify(body).length]).toSatisfy(([, length]) => length < 150_000);
}

/** What only those who know the library would understand. */
const WORDS_OF_SCHEMAS = /Invalid input|received|Too (small|big)|Unrecognized|discriminator|NaN/;

const send = async (request: Call): Promise<Answer> => await api.call({ ...request, key });
const json = { 'content-type': 'application/json' };

test('bodies that are no request at all are refused by every operation, with the reason', async () => {
  for (const { id, request } of operations.filter(({ method }) => method !== 'GET')) {
    for (const [name, body] of Object.entries(BAD_BODIES)) {
      const answer = await send({ ...request, body, headers: json });
      expectReadable([id, name], answer);
      expect([id, name, answer.status]).toSatisfy(() => answer.status >= 400);
    }
  }
});

test('whatever a single field holds, the answer can be read; fields nobody knows are refused', async () => {
  for (const { id, request } of operations.filter(({ request: { body } }) => body !== undefined)) {
    const right = request.body as Record<string, unknown>;
    for (const field of Object.keys(right)) {
      for (const value of BAD_VALUES) {
        const answer = await send({ ...request, body: { ...right, [field]: value } });
        expectReadable([id, field, value], answer);
      }
    }
    // A CloudEvent may carry attributes of others.
    if (id === 'recordEvents') continue;
    const unknown = await send({ ...request, body: { ...right, unexpected: 1 } });
    expect([id, unknown.status]).toEqual([id, 422]);
    expect(unknown.body.detail).toMatch(/unexpected/);
  }
});

test('a snapshot with a million mistakes is refused by its first one', async () => {
  const apps = Array.from({ length: 1000 }, () => 0);
  const accounts = Array.from({ length: 1000 }, (_, n) => ({ account: `a${n}`, apps }));
  const body = { taken_at: '2026-02-10T00:30:00Z', accounts };
  const answer = await send({ method: 'PUT', url: '/v1/snapshots/controller', body });
  expectReadable('a million mistakes', answer);
  expect(answer).toMatchObject({
    status: 422,
    body: {
      code: 'invalid_snapshot',
      detail: 'accounts.0.apps.0 is 0; it must be an object with app, replicas, size',
    },
  });
});

test('unknown parameters of queries are refused, and bad ones with the reason', async () => {
  for (const { id, request } of operations) {
    const mark = request.url.includes('?') ? '&' : '?';
    const answer = await send({ ...request, url: `${request.url}${mark}unexpected=1` });
    // Whether the event is good is said before anything else about it.
    expect([id, answer.status]).toEqual([id, 422]);
    expectReadable(id, answer);
    for (const query of ['limit=-1', 'limit=1e309', 'after=%00', 'after=%F0', 'from=yesterday']) {
      expectReadable([id, query], await send({ ...request, url: `${request.url}${mark}${query}` }));
    }
  }
});

test('whatever JSON is sent wherever, the answer can be read', async () => {
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 3 }),
    fc.constantFrom(...BAD_VALUES),
    fc.string({ unit: 'binary' }),
  );
  const fields = operations.flatMap(({ request: { body } }) => Object.keys(body ?? {}));
  const body = fc.oneof(value, fc.dictionary(fc.constantFrom(...new Set(fields)), value));
  const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...operations),
      body,
      fc.option(name),
      async ({ id, method, request }, sent, named) => {
        const account = encodeURIComponent(named ?? 'victim').replaceAll('.', '%2E');
        const url = request.url.replace('victim', account);
        const hasBody = method !== 'GET' && sent !== undefined;
        const payload = hasBody ? { body: JSON.stringify(sent), headers: json } : {};
        expectReadable([id, url, sent], await send({ method, url, ...payload }));
      },
    ),
    { numRuns: 200 },
  );
});

test('of a body without end no more is taken than the limit, before anything is parsed', async () => {
  const chunk = new Uint8Array(64 * 1024).fill(0x20);
  const most = 64 * 1024 * 1024;
  let sent = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      sent += chunk.length;
      if (sent > most) controller.close();
      else controller.enqueue(chunk);
    },
  });
  const headers = { ...json, authorization: `Bearer ${key}` };
  const request = { method: 'POST', headers, body: endless, duplex: 'half' } as const;
  const status = await fetch(`${host}/v1/events`, request).then(
    (response) => response.status,
    // The connection may be closed before the answer is read.
    () => 413,
  );
  expect(status).toBe(413);
  expect(sent).toBeLessThan(most);
});
