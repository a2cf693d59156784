import type { FastifyPluginAsync } from 'fastify';
import type { PagesDependencies } from '../dependencies.ts';
import { sendErrorPage } from '../errors.tsx';
import { admit, requireOperator, requireOwnSite, requireScope } from '../session/guard.ts';

const PATH = '/operator/queues';

/** It styles its elements itself and finds its files from a base of its own. */
const CONTENT_SECURITY_POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
  "base-uri 'self'; object-src 'none'; frame-ancestors 'none'";

/**
 * BullMQ's board behind the same login. Its scripts send no token of ours: only requests that browsers say
 * come from these very pages may change anything, and only those of administrators.
 */
export function queueBoard(dependencies: PagesDependencies): FastifyPluginAsync {
  const { queues } = dependencies;
  return async (server) => {
    if (queues === undefined) return;
    server.addHook('onRequest', async (request, reply) => {
      void reply.header('content-security-policy', CONTENT_SECURITY_POLICY);
      try {
        await admit(request, dependencies);
        requireOperator(request);
        requireOwnSite(request);
        requireScope(request, request.method === 'GET' ? 'read' : 'admin');
      } catch (error) {
        // Not left to the board, which would show a refusal as a failure of its own.
        await sendErrorPage(error, request, reply);
        return reply;
      }
    });
    server.addHook('onSend', async (_request, reply, payload) => {
      const isPage = String(reply.getHeader('content-type')).startsWith('text/html');
      return isPage && typeof payload === 'string' ? withoutForeignLinks(payload) : payload;
    });
    await server.register(queues.board(PATH), { prefix: PATH });
  };
}

/** It would fetch its letters from elsewhere, which the policy refuses: those of the machine will do. */
function withoutForeignLinks(html: string): string {
  return html.replaceAll(/<link href="https?:[^>]*>/g, '');
}
