import { randomUUID } from 'node:crypto';
import helmet from '@fastify/helmet';
import Fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyPluginAsync,
} from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import type { Logger } from 'pino';
import type { ApiDependencies } from './api/dependencies.ts';
import { apiRoutes } from './api/routes.ts';
import { closeConnections } from './close-connections.ts';
import { answerClientError } from './client-error.ts';
import { sendNotFound, sendProblem, sendUnroutable, unknownAddress } from './errors.ts';
import { addHealthRoutes } from './health.ts';
import { describeRoutes } from './openapi.ts';
import { addRateLimits } from './rate-limits.ts';
import { stripeWebhookRoute, type ReceiveWebhook } from './stripe-webhook.ts';
import { v1Routes, type V1Dependencies } from './v1/routes.ts';

export type HttpServer = FastifyInstance;

export type HttpDependencies = {
  /** Resolves to warnings when the service can do its work; rejects with the reason when not. */
  readonly checkReady: () => Promise<readonly string[]>;
  readonly receiveWebhook: ReceiveWebhook;
  readonly v1: V1Dependencies;
  readonly api: ApiDependencies;
  /** What people look at; outside /v1 and /api. */
  readonly pages: FastifyPluginAsync;
  /** Proxies whose X-Forwarded-For is believed: addresses or networks. */
  readonly trustedProxies: readonly string[];
  /** The ioredis client by which rate limits are counted for all processes; without it each counts alone. */
  readonly redis?: unknown;
  readonly log: Logger;
};

/** Enough for all but batches of events, which have their own limit. */
const BODY_LIMIT_BYTES = 256 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;
/** Longer than the 60 s after which usual load balancers drop idle connections, so that they do it first. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000;
/** An id of 200 characters, percent-encoded. */
const MAX_PARAM_LENGTH = 2400;

export async function makeHttpServer(dependencies: HttpDependencies): Promise<HttpServer> {
  const { log, checkReady, receiveWebhook, v1, api, pages, trustedProxies, redis } = dependencies;
  const server = Fastify({
    loggerInstance: requestLog(log),
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_LIMIT_BYTES,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    trustProxy: trustedProxies.length === 0 ? false : [...trustedProxies],
    genReqId: () => randomUUID(),
    requestIdHeader: false,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, request, reply) => void sendUnroutable(error, request, reply),
  });
  closeConnections(server);
  server.setValidatorCompiler(validatorCompiler);
  server.setSerializerCompiler(serializerCompiler);
  server.setErrorHandler(sendProblem);
  server.setNotFoundHandler(sendNotFound);
  server.addHook('onRequest', async (request, reply) => {
    void reply.header('x-request-id', request.id);
  });
  await server.register(helmet, { contentSecurityPolicy: CONTENT_SECURITY_POLICY });
  server.addHook('onRequest', async (request) => {
    // Before its body is looked at, which nothing here could read; /api answers in its own words.
    if (request.is404 && !request.url.startsWith('/api')) throw unknownAddress(request);
  });
  await addRateLimits(server, redis);
  await describeRoutes(server);
  addHealthRoutes(server, checkReady);
  await server.register(stripeWebhookRoute(receiveWebhook));
  await server.register(v1Routes(v1), { prefix: '/v1' });
  await server.register(apiRoutes(api), { prefix: '/api' });
  await server.register(pages);
  return server;
}

/** No scripts but our own, no frames; without the upgrade to https, which breaks plain http in a lab. */
const CONTENT_SECURITY_POLICY = {
  useDefaults: false,
  directives: {
    defaultSrc: ["'self'"],
    styleSrc: ["'self'", "'unsafe-inline'"],
    imgSrc: ["'self'", 'data:'],
    objectSrc: ["'none'"],
    baseUri: ["'none'"],
    frameAncestors: ["'none'"],
  },
};

/** Names requests by method and path: queries and headers may hold passwords and keys. */
function requestLog(log: Logger): FastifyBaseLogger {
  return log.child(
    { part: 'http' },
    {
      serializers: {
        req: ({ method, url }: { readonly method: string; readonly url: string }) => ({
          method,
          path: url.split('?')[0],
        }),
      },
    },
  );
}
