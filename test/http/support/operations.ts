import type { FastifyInstance } from 'fastify';
import { DOCUMENTED_PRICES } from '../../../src/pricing/price-book.ts';
import type { Call } from './api.ts';

type Method = NonNullable<Call['method']>;

/** An operation of the OpenAPI document with a request that succeeds, given a key for it. */
export type Operation = {
  readonly id: string;
  readonly method: Method;
  readonly path: string;
  readonly request: Call;
};

const event = {
  specversion: '1.0',
  id: 'matrix-1',
  source: 'controller',
  type: 'app.created',
  time: '2026-02-10T00:30:00Z',
  data: { account: 'victim', app: 'new' },
};

/** Bodies by operation; those without take none. */
const BODIES: Readonly<Record<string, unknown>> = {
  recordEvents: event,
  createAccount: { account: 'intruder', email: 'intruder@example.com' },
  putSnapshot: { taken_at: '2026-02-10T00:30:00Z', accounts: [] },
  expectSource: { expected_every_seconds: 60 },
  setDatabaseConnection: {
    host: 'db.example',
    port: 5432,
    username: 'matrix',
    password: 'matrix',
    database: 'matrix',
    url: null,
  },
  acknowledgeSignals: { signals: [{ account: 'victim', signal_id: 'matrix' }] },
  checkChange: { change: 'create_app' },
  quoteChange: { change: 'scale_app', app: 'web', replicas: 2, size: 1 },
  grantCredit: { id: 'matrix', amount_cents: 100, reason: 'matrix' },
  addPriceBook: { id: 'matrix', effective_at: '2030-01-01T00:00:00Z', ...DOCUMENTED_PRICES },
  setAccountPrice: {
    id: 'matrix',
    from: '2026-02-15T00:00:00Z',
    prices: { replica_size_second_usd: '0.00001' },
    reason: 'matrix',
  },
  endAccountPrice: { at: '2026-02-15T00:00:00Z', reason: 'matrix' },
  giveMoneyBack: { id: 'matrix', amount_cents: 1, reason: 'matrix' },
  setPaymentMethod: { token: 'tok_mastercard' },
  startCheckout: { success_url: 'https://a.example/', cancel_url: 'https://a.example/' },
};

const QUERIES: Readonly<Record<string, string>> = { getEvent: '?account=victim' };

/** All operations of the document, about account `victim`; `names` fill the other path parameters. */
export function operationsOf(
  server: FastifyInstance,
  names: Readonly<Record<string, string>>,
): Operation[] {
  const { paths } = server.swagger() as unknown as {
    paths: Record<string, Record<string, { operationId: string; requestBody?: unknown }>>;
  };
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([name, { operationId: id, requestBody }]) => {
      const method = name.toUpperCase() as Method;
      const filled = path.replaceAll(/\{(\w+)\}/g, (_, parameter: string) => {
        const value = names[parameter];
        if (value === undefined) throw new Error(`no value for {${parameter}} of ${path}`);
        return encodeURIComponent(value);
      });
      const body = BODIES[id];
      if ((body === undefined) !== (requestBody === undefined)) {
        throw new Error(`BODIES must have one for ${id}, as the document says`);
      }
      const url = `${filled}${QUERIES[id] ?? ''}`;
      return {
        id,
        method,
        path,
        request: body === undefined ? { method, url } : { method, url, body },
      };
    }),
  );
}
