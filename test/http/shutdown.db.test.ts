import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { reporter } from '../support/reports.ts';
import { until } from '../support/until.ts';
import { openApi, type Api } from './support/api.ts';

let api: Api;
let port: number;
/** Keeps connections open, as clients and balancers do. */
const agent = new Agent({ keepAlive: true });
beforeEach(async () => {
  api = await openApi();
  port = Number(new URL(await api.server.listen({ host: '127.0.0.1', port: 0 })).port);
});
afterEach(async () => await api.close());

async function report(event: unknown) {
  const sent = request({
    agent,
    port,
    method: 'POST',
    path: '/v1/events',
    headers: { authorization: `Bearer ${api.keys.ingest}`, 'content-type': 'application/json' },
  });
  sent.end(JSON.stringify(event));
  const [response] = await once(sent, 'response');
  response.resume();
  await once(response, 'end');
  return { status: response.statusCode as number, connection: response.headers.connection };
}

test('a request under way is answered after the stop, and holds it up no longer', async () => {
  const { pool } = api.world.database;
  const say = reporter();
  const event = say('account.created', '2026-01-10T00:00:00Z', { account: 'a', email: 'a@b.c' });
  const client = await pool.connect();
  await client.query('begin; lock table event in access exclusive mode');
  const answer = report(event);
  await until('the request waits', async () => {
    const { rowCount } =
      await pool.query(`select from pg_locks join pg_database d on database = d.oid
      where not granted and datname = current_database()`);
    return rowCount !== 0;
  });
  const closed = api.server.close();
  await client.query('commit');
  client.release();
  expect(await answer).toEqual({ status: 200, connection: 'close' });
  await closed;
});

test('neither idle connections nor unused ones hold up a stop', async () => {
  const say = reporter();
  const event = say('account.created', '2026-01-10T00:00:00Z', { account: 'a', email: 'a@b.c' });
  expect(await report(event)).toEqual({ status: 200, connection: 'keep-alive' });
  const unused = connect(port, '127.0.0.1');
  await once(unused, 'connect');
  const ended = once(unused, 'close');
  await api.server.close();
  await ended;
});
