import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { requireAccount } from '../../../accounts/require-account.ts';
import type { ReadAs } from '../../../database/row-level-security.ts';
import { listViolations } from '../../../limits/violation-store.ts';
import { ownAccount } from '../authenticate.ts';
import { accountParams, instant, PROBLEMS, toInstant } from '../schemas.ts';

const violation = z
  .object({
    code: z.string().meta({ example: 'free_instances' }),
    subject: z.string().meta({ description: 'the app or database', example: 'web' }),
    message: z.string(),
    at: instant,
    event: z.object({ source: z.string(), id: z.string() }),
  })
  .meta({ id: 'Violation' });

/** GET /v1/accounts/{account}/violations: what was reported beyond the limits of the free tier (R22). */
export function violationRoutes({ readAs }: { readonly readAs: ReadAs }): FastifyPluginAsyncZod {
  return async (server) => {
    server.route({
      method: 'GET',
      url: '/accounts/:account/violations',
      config: { scope: 'read' },
      schema: {
        operationId: 'listViolations',
        tags: ['Checks and quotes'],
        summary: 'The latest 100 facts beyond the limits of the free tier, the latest first',
        params: accountParams,
        response: { 200: z.object({ violations: z.array(violation) }), ...PROBLEMS },
      },
      handler: async (request) =>
        await readAs(ownAccount(request), async (db) => {
          const { id } = await requireAccount(db, request.params.account);
          const found = await listViolations(db, id);
          return {
            violations: found.map(({ code, subject, message, at, source, eventId }) => ({
              code,
              subject,
              message,
              at: toInstant(at),
              event: { source, id: eventId },
            })),
          };
        }),
    });
  };
}
