import type { FastifyInstance } from 'fastify';

/** Answers hold keys and other people's money: no browser and no proxy is to keep one. */
export function neverCached(server: FastifyInstance): void {
  server.addHook('onRequest', async (_request, reply) => {
    void reply.header('cache-control', 'no-store');
  });
}
