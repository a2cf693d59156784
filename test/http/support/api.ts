import type { FastifyInstance } from 'fastify';
import { pino, type Logger } from 'pino';
import { expect } from 'vitest';
import type { Scope } from '../../../src/accounts/api-key.ts';
import { issueAccountKey, issueOperatorKey } from '../../../src/accounts/api-key-store.ts';
import type { Db } from '../../../src/database/pool.ts';
import { eventParser } from '../../../src/events/parse-event.ts';
import { CODES } from '../../../src/http/v1/codes.ts';
import { platformRecording } from '../../../src/platform/recording.ts';
import { connectQueues } from '../../../src/queue/backend.ts';
import { makeEventsQueue } from '../../../src/queue/events-queue.ts';
import { viewOf } from '../../../src/service/queue-view.ts';
import { openHttp } from '../../../src/service/open-http.ts';
import { openRecorder } from '../../../src/service/open-recorder.ts';
import { openWorld, type World } from '../../stripe/support/world.ts';

/** The HTTP API on a database and a local Stripe of its own, with a clock that tests move. */
export type Api = {
  readonly world: World;
  readonly db: Db;
  readonly server: FastifyInstance;
  /** Keys with one scope each. */
  readonly keys: Readonly<Record<Scope, string>>;
  readonly accountKey: (accountId: string) => Promise<string>;
  /** Sends a request and reads the JSON of its answer. */
  readonly call: (request: Call) => Promise<Answer>;
  readonly close: (left?: { readonly isBroken: true }) => Promise<void>;
};

export type Call = {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH';
  readonly url: string;
  readonly key?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
};

export type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  // What a test expects of an answer is said where it looks.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any;
};

const PLENTY = 1_000_000;

export type ApiOptions = {
  readonly rateLimits?: { operatorKey: number; accountKey: number; refusedAddress: number };
  readonly redisUrl?: string;
  readonly log?: Logger;
  /** With queues in the database, as a whole service has them. */
  readonly hasQueues?: true;
};

export async function openApi({
  rateLimits,
  redisUrl,
  log,
  hasQueues,
}: ApiOptions = {}): Promise<Api> {
  const world = await openWorld();
  const { database, db, clock, gateway, stripe } = world;
  const queues = hasQueues && (await connectQueues({ databaseUrl: database.url }, console.error));
  const recording = platformRecording(eventParser(1000));
  const server = await openHttp(
    {
      maxReplicas: 1000,
      redisUrl,
      stripe: { paymentAttemptDays: [0, 1, 3, 7] },
      http: {
        trustedProxies: [],
        rateLimits: rateLimits ?? {
          operatorKey: PLENTY,
          accountKey: PLENTY,
          refusedAddress: PLENTY,
        },
      },
    },
    {
      database: { ...database, migrated: [], stop: database.drop },
      recording,
      record: openRecorder(db, recording),
      clock,
      ...(queues && { queues: viewOf([makeEventsQueue(queues)]) }),
      // What is logged here is a mistake of ours.
      log: log ?? pino({ level: 'error' }),
      stripe: () => ({
        gateway,
        webhookSecrets: world.webhooks.secrets,
        isLive: false,
        local: stripe,
        stop: async () => {},
      }),
    },
  );
  await server.ready();
  const operatorKey = async (scope: Scope): Promise<string> =>
    (await issueOperatorKey(db, clock(), { scopes: [scope], label: scope })).secret;
  return {
    world,
    db,
    server,
    keys: {
      ingest: await operatorKey('ingest'),
      read: await operatorKey('read'),
      billing: await operatorKey('billing'),
      admin: await operatorKey('admin'),
    },
    accountKey: async (accountId) => (await issueAccountKey(db, clock(), accountId, 'test')).secret,
    call: async (request) => await call(server, request),
    close: async (left) => {
      await server.close();
      await queues?.close();
      await world.close(left);
    },
  };
}

async function call(
  server: FastifyInstance,
  { method = 'GET', url, key, body, headers }: Call,
): Promise<Answer> {
  const response = await server.inject({
    method,
    url,
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { payload: asPayload(body) }),
  });
  const isJson = /json/.test(String(response.headers['content-type']));
  const read: unknown = isJson ? response.json() : response.payload;
  if (url.startsWith('/v1/')) expectDocumentedCode(read);
  return { status: response.statusCode, headers: response.headers, body: read };
}

/** Whatever a test provokes: programs must find its code in the documentation. */
function expectDocumentedCode(body: unknown): void {
  if (typeof body !== 'object' || body === null || !('code' in body)) return;
  expect(Object.keys(CODES)).toContain(body.code);
}

function asPayload(body: unknown): string | Buffer {
  return typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
}
