import { once } from 'node:events';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CODES } from '../../src/http/v1/codes.ts';
import { openApi, type Api } from './support/api.ts';

let api: Api;
let port: number;
beforeAll(async () => {
  api = await openApi();
  port = Number(new URL(await api.server.listen({ host: '127.0.0.1', port: 0 })).port);
});
afterAll(async () => await api.close());

/** Sends bytes and reads all that comes until the server hangs up. */
async function exchange(sent: string): Promise<{ head: string; body: Record<string, unknown> }> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  socket.write(sent);
  await once(socket, 'close');
  const [head = '', body = ''] = text.split('\r\n\r\n');
  return { head, body: JSON.parse(body) };
}

test.each<[string, string, number]>([
  ['what is no HTTP', 'GARBAGE\r\n\r\n', 400],
  ['a NUL in a header', 'GET /healthz HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n', 400],
  [
    'two lengths of one body',
    'POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    400,
  ],
  [
    'headers without end',
    `GET /healthz HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(20_000)}\r\n\r\n`,
    431,
  ],
])('%s is answered as a problem, and hung up on', async (_name, sent, status) => {
  const { head, body } = await exchange(sent);
  expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(head).toMatch('Content-Type: application/problem+json');
  expect(body).toMatchObject({ status, detail: expect.stringMatching(/\w+ \w+/) });
  expect(Object.keys(CODES)).toContain(body['code']);
});

test('an address that does not exist is said to be so, whatever is sent there', async () => {
  const headers = { 'content-type': 'application/json' };
  for (const [type, body] of [
    ['application/json', ''],
    ['application/json', '{'],
    ['text/plain', 'text'],
  ] as const) {
    const request = { method: 'POST', url: '/v1/nowhere', body } as const;
    const answer = await api.call({ ...request, headers: { ...headers, 'content-type': type } });
    expect([type, body, answer.status, answer.body.code]).toEqual([type, body, 404, 'not_found']);
    expect(answer.headers).toHaveProperty('content-security-policy');
  }
});

test('compressed bodies are refused as such', async () => {
  const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
  const body = gzipSync('{}');
  const request = { method: 'POST', url: '/v1/events', key: api.keys.ingest, body } as const;
  expect(await api.call({ ...request, headers })).toMatchObject({
    status: 415,
    body: { code: 'encoding_unsupported', detail: expect.stringContaining('gzip') },
  });
});
