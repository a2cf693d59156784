import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Answer } from './answers.ts';
import type { Pipeline } from './pipeline.ts';
import { ROUTES, type Route } from '../routes.ts';
import { invalid } from '../refusal.ts';

/** The HTTP side of /v1: hands each request to the pipeline and sends its answer, or withholds it. */
export function makeServer(pipeline: Pipeline): FastifyInstance {
  const server = Fastify({
    bodyLimit: 1024 * 1024,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
  });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) =>
    done(null, body),
  );

  for (const route of ROUTES) {
    server.route({
      method: route.method,
      url: route.template.replaceAll(/\{(\w+)\}/g, ':$1'),
      handler: (request, reply) => respond(pipeline, route, request, reply),
    });
  }
  server.setNotFoundHandler((request, reply) => respond(pipeline, null, request, reply));
  server.setErrorHandler((error, _request, reply) => {
    const isOurs = !(
      error instanceof Error &&
      'statusCode' in error &&
      Number(error.statusCode) < 500
    );
    if (isOurs)
      process.stderr.write(
        `local Stripe: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
      );
    const message = error instanceof Error ? error.message : String(error);
    const body = isOurs ? { type: 'api_error', message } : invalid(message).error;
    return reply.status(isOurs ? 500 : 400).send({ error: body });
  });
  return server;
}

async function respond(
  pipeline: Pipeline,
  route: Route | null,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const [path = '', query = ''] = request.url.split('?', 2);
  const header = (name: string): string | null => {
    const value = request.headers[name];
    return typeof value === 'string' ? value : null;
  };
  const answer = await pipeline.handle({
    route,
    method: request.method,
    path,
    pathParts: decoded(request.params),
    sent: request.method === 'POST' && typeof request.body === 'string' ? request.body : query,
    authorization: header('authorization'),
    version: header('stripe-version'),
    idempotencyKey: request.method === 'POST' ? header('idempotency-key') : null,
  });
  send(answer, reply);
  // Webhooks go out once the answer is on its way, whatever became of it.
  pipeline.afterAnswer();
  return reply;
}

function send(answer: Answer, reply: FastifyReply): void {
  const headers = { 'content-type': 'application/json; charset=utf-8', ...answer.headers };
  if (answer.delivery === 'whole') {
    void reply.status(answer.status).headers(headers).send(answer.body);
    return;
  }
  reply.hijack();
  if (answer.delivery === 'none') {
    reply.raw.destroy();
    return;
  }
  reply.raw.writeHead(answer.status, {
    ...headers,
    'content-length': Buffer.byteLength(answer.body),
  });
  reply.raw.write(answer.body.slice(0, Math.floor(answer.body.length / 2)), () =>
    reply.raw.destroy(),
  );
}

function decoded(params: unknown): Readonly<Record<string, string>> {
  if (params === null || typeof params !== 'object') return {};
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, String(value)]));
}
