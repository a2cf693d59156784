import helmet from '@fastify/helmet';
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { sendFault } from './errors.ts';
import { stripeWebhookRoute, type ReceiveWebhook } from './stripe-webhook.ts';

export type HttpDependencies = {
  /** Resolves when the service can do its work; rejects with the reason when not. */
  readonly checkReady: () => Promise<void>;
  readonly receiveWebhook: ReceiveWebhook;
  readonly log: Logger;
};

const BODY_LIMIT_BYTES = 1024 * 1024;

export async function makeHttpServer(dependencies: HttpDependencies): Promise<FastifyInstance> {
  const { log, checkReady, receiveWebhook } = dependencies;
  const loggerInstance: FastifyBaseLogger = log.child({ part: 'http' }, { level: 'warn' });
  const server = Fastify({
    loggerInstance,
    bodyLimit: BODY_LIMIT_BYTES,
    forceCloseConnections: 'idle',
    requestTimeout: 30_000,
  });
  await server.register(helmet);
  server.setErrorHandler((error, request, reply) => sendFault(error, request, reply));
  server.setNotFoundHandler((request, reply) =>
    reply.status(404).send({ code: 'not_found', message: `no ${request.method} ${request.url}` }),
  );
  server.get('/healthz', () => ({ status: 'ok' }));
  server.get('/readyz', async (request, reply) => {
    try {
      await checkReady();
      return { status: 'ready' };
    } catch (error) {
      request.log.warn({ err: error }, 'not ready');
      return await reply.status(503).send({ status: 'not ready' });
    }
  });
  await server.register(stripeWebhookRoute(receiveWebhook));
  return server;
}
