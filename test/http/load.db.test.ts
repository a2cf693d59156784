import { once } from 'node:events';
import { Agent, request as httpRequest } from 'node:http';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { issueOperatorKey } from '../../src/accounts/api-key-store.ts';
import { startLocalStripe, type LocalStripe } from '../../src/stripe/local/local-stripe.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { endServing, startServing } from '../support/serving.ts';

let database: TestDatabase;
let stripe: LocalStripe;
let authorization: string;

beforeAll(async () => {
  database = await freshDatabase();
  stripe = await startLocalStripe({ clock: () => new Date(), environment: 'test' });
  const key = { scopes: ['ingest', 'read'], label: 'load' } as const;
  authorization = `Bearer ${(await issueOperatorKey(database.db, new Date(), key)).secret}`;
});
afterEach(endServing);
afterAll(async () => {
  await database.drop();
  await stripe.close();
});

const CLIENTS = 200;
const ACCOUNTS = 20;
/** Rounds of a report and a read that every client must have answered without an error. */
const ROUNDS = 2;
/** What is acknowledged beyond that before the process is killed. */
const ACKNOWLEDGED_BEFORE_KILL = 200;

const start = async () =>
  await startServing({
    DATABASE_URL: database.url,
    STRIPE_API_KEY: 'sk_test_loaded',
    STRIPE_API_BASE: stripe.url,
  });

function reportOf(type: string, id: string, at: string, data: object) {
  return { specversion: '1.0', id, source: 'load', type, time: at, data };
}

/** Replicas of an app, told by each of its clients in turn. */
function scaled(client: number, round: number) {
  const at = new Date(Date.UTC(2026, 0, 2, 0, round, client)).toISOString();
  const data = { account: `acc-${client % ACCOUNTS}`, app: `app-${client}`, replicas: 1, size: 1 };
  return reportOf('app.scaled', `${client}-${round}`, at, data);
}

test('200 clients report and read at once without an error; what was acknowledged outlives kill -9', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  const call = async (url: string, body?: object): Promise<{ status: number; text: string }> => {
    const sent = httpRequest(url, {
      agent,
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization, 'content-type': 'application/json' },
    });
    sent.end(body === undefined ? undefined : JSON.stringify(body));
    const [response] = await once(sent, 'response');
    let text = '';
    for await (const chunk of response) text += String(chunk);
    return { status: response.statusCode, text };
  };
  const { url, child } = await start();
  const created = Array.from({ length: ACCOUNTS }, (_, index) => {
    const account = `acc-${index}`;
    const data = { account, email: `${account}@load.example` };
    return reportOf('account.created', account, '2026-01-01T00:00:00Z', data);
  });
  expect(await call(`${url}/v1/events`, created)).toMatchObject({ status: 200 });

  const acknowledged: string[] = [];
  const mistakes: string[] = [];
  let isKilled = false;
  const live = async (client: number): Promise<void> => {
    for (let round = 0; !isKilled; round += 1) {
      const event = scaled(client, round);
      const answer = await call(`${url}/v1/events`, event);
      if (answer.status === 200) acknowledged.push(event.id);
      else mistakes.push(answer.text);
      if (acknowledged.length >= CLIENTS * ROUNDS + ACKNOWLEDGED_BEFORE_KILL) {
        isKilled = true;
        child.kill('SIGKILL');
        return;
      }
      const read = await call(`${url}/v1/accounts/acc-${client % ACCOUNTS}/usage`);
      if (read.status !== 200) mistakes.push(read.text);
    }
  };
  await Promise.all(
    Array.from({ length: CLIENTS }, async (_, client) =>
      live(client).catch((error: unknown) => {
        // Connections that the kill broke.
        if (!isKilled) mistakes.push(String(error));
      }),
    ),
  );
  expect(mistakes).toEqual([]);

  const again = await start();
  const { rows } = await database.pool.query<{ count: bigint; commits: bigint }>(
    `select count(*), count(distinct xmin::text) as commits
     from event where source = 'load' and event_id = any($1)`,
    [acknowledged],
  );
  expect(rows[0]!.count).toBe(BigInt(acknowledged.length));
  // Requests that come at once share a commit.
  expect(Number(rows[0]!.commits)).toBeLessThan(acknowledged.length / 2);
  const body = Array.from({ length: CLIENTS }, (_, client) => scaled(client, 0));
  const repeated = await call(`${again.url}/v1/events`, body);
  expect(JSON.parse(repeated.text)).toMatchObject({ duplicate: CLIENTS });
  agent.destroy();
}, 300_000);
