import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Controls } from '../controls.ts';
import type { Due } from '../due.ts';
import { CALL_FAULTS, WEBHOOK_FAULTS, type FaultRule, type Faults } from '../faults.ts';
import { isObject, type Json, type JsonObject } from '../json.ts';
import { invalid, Refusal } from '../refusal.ts';
import type { Webhooks } from '../events/webhooks.ts';
import type { World } from '../state/world.ts';

type Parts = {
  readonly world: World;
  readonly controls: Controls;
  readonly faults: Faults;
  readonly due: Due;
  readonly webhooks: Webhooks;
};
type Body = JsonObject;

/** The same controls over HTTP, outside /v1, for tests in other processes and for a person with a browser. JSON in and out. */
export function addControlRoutes(
  server: FastifyInstance,
  { world, controls, faults, due, webhooks }: Parts,
): void {
  const post = (
    url: string,
    run: (body: Body, params: Readonly<Record<string, string>>) => unknown,
  ): void => {
    server.post<{ Params: Record<string, string> }>(`/local${url}`, async (request, reply) => {
      const isForm = String(request.headers['content-type']).startsWith(
        'application/x-www-form-urlencoded',
      );
      return answer(
        reply,
        async () => (await run(bodyOf(request.body, isForm), request.params)) ?? { ok: true },
      );
    });
  };

  post('/faults', (body) => faults.add(faultRule(body)));
  post('/faults/clear', () => faults.clear());
  post('/release', () => faults.release());
  post('/clock', (body) =>
    due.advance(Number(body['advanceMs'] ?? 0)).then(() => ({ nowMs: world.nowMs() })),
  );
  post('/webhooks/drain', () => webhooks.drain());
  post('/tokens', (body) => controls.mintToken(text(body, 'token')));
  post('/setup_intents/:id/authenticate', (_body, { id = '' }) => controls.authenticate(id));
  post('/invoices/:id/pay', (body, { id = '' }) => controls.payOnPage(id, text(body, 'token')));
  post('/cards/:id', (body, { id = '' }) =>
    controls.setCharges(id, body['charges'] === null ? null : text(body, 'charges')),
  );
  post('/disputes', (body) => controls.dispute(text(body, 'id'), disputeOptions(body)));
  post('/disputes/:id/close', (body, { id = '' }) =>
    controls.closeDispute(id, body['outcome'] === 'won' ? 'won' : 'lost'),
  );
  post('/refunds/:id/fail', (_body, { id = '' }) => controls.failRefund(id));
  post('/objects/:id', (body, { id = '' }) => controls.edit(id, body));

  server.get('/local/faults', () => faults.list());
  server.get('/local/clock', () => ({ nowMs: world.nowMs() }));
  server.get('/local/state', () => controls.state());
  server.get<{ Querystring: { method?: string; path?: string } }>('/local/calls', (request) => {
    const { method, path } = request.query;
    return controls.calls({
      ...(method === undefined ? {} : { method }),
      ...(path === undefined ? {} : { path: new RegExp(path) }),
    });
  });

  server.post<{ Params: { id: string } }>('/local/checkout/:id/complete', (request, reply) => {
    const isForm = String(request.headers['content-type']).startsWith(
      'application/x-www-form-urlencoded',
    );
    return answer(reply, async () => {
      const session = controls.completeCheckout(
        request.params.id,
        text(bodyOf(request.body, isForm), 'token'),
      );
      const target = session.success_url?.replaceAll('{CHECKOUT_SESSION_ID}', session.id) ?? null;
      return isForm && target !== null ? reply.redirect(target, 303) : session;
    });
  });
}

async function answer(reply: FastifyReply, run: () => Promise<unknown>): Promise<unknown> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return reply.status(error.status).send({ error: error.error });
  }
}

function bodyOf(raw: unknown, isForm: boolean): Body {
  if (typeof raw !== 'string' || raw === '') return {};
  if (isForm) return Object.fromEntries(new URLSearchParams(raw));
  const body: Json = JSON.parse(raw);
  if (!isObject(body)) throw invalid('The body must be a JSON object.');
  return body;
}

function text(body: Body, name: string): string {
  const value = body[name];
  if (typeof value !== 'string')
    throw invalid(`The body must have ${name}, a string.`, { param: name });
  return value;
}

function faultRule(body: Body): FaultRule {
  const kind = [...CALL_FAULTS, ...WEBHOOK_FAULTS].find((name) => name === body['kind']);
  if (kind === undefined)
    throw invalid(`kind must be one of ${[...CALL_FAULTS, ...WEBHOOK_FAULTS].join(', ')}.`, {
      param: 'kind',
    });
  const texts = ['method', 'path', 'event'].flatMap((name) =>
    body[name] === undefined ? [] : [[name, text(body, name)]],
  );
  const numbers = ['nth', 'times', 'share', 'forMs'].flatMap((name) =>
    body[name] === undefined ? [] : [[name, Number(body[name])]],
  );
  return { kind, ...Object.fromEntries([...texts, ...numbers]) };
}

function disputeOptions(body: Body) {
  const { amountCents, reason } = body;
  return {
    ...(typeof amountCents === 'number' ? { amountCents } : {}),
    ...(typeof reason === 'string' ? { reason } : {}),
  };
}
