import type { FastifyInstance } from 'fastify';

/**
 * GET /healthz: the process answers. GET /readyz: it can do its work, and what an operator should know of it;
 * 503 when it cannot, and while it shuts down, so that balancers send requests elsewhere.
 */
export function addHealthRoutes(
  server: FastifyInstance,
  /** Resolves to warnings; rejects with the reason when the service cannot do its work. */
  checkReady: () => Promise<readonly string[]>,
): void {
  let isStopping = false;
  server.addHook('preClose', async () => {
    isStopping = true;
  });
  server.get('/healthz', () => ({ status: 'ok' }));
  server.get('/readyz', async (request, reply) => {
    try {
      const warnings = await checkReady();
      if (!isStopping) return { status: 'ready', warnings };
    } catch (error) {
      request.log.warn({ err: error }, 'not ready');
    }
    return await reply.status(503).send({ status: 'not ready' });
  });
}
