import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { requireAccount } from '../../../accounts/require-account.ts';
import type { ReadAs } from '../../../database/row-level-security.ts';
import { readRowLimits } from '../../../limits/row-limit.ts';
import { readDesired, type DesiredApp } from '../../../platform/desired-state.ts';
import { fromTenths } from '../../../values/size.ts';
import { ownAccount } from '../authenticate.ts';
import { accountParams, instant, PROBLEMS, toInstant } from '../schemas.ts';

const app = z
  .object({
    app: z.string().meta({ example: 'web' }),
    replicas: z.number().int(),
    size: z.number().meta({ example: 0.5 }),
    deployed: z.boolean().meta({ description: 'metered; before that this is what it is to run' }),
  })
  .meta({ id: 'App' });

const database = z
  .object({
    database: z.string().meta({ example: 'db1' }),
    app: z.string(),
    size: z.number().meta({ example: 0.6 }),
    state: z.enum(['PENDING', 'AVAILABLE', 'DELETED']).meta({
      description: 'PENDING: asked for and not charged yet; deleted ones stay listed',
    }),
    limited_at: instant.nullable().meta({
      description: 'since when it has more rows than the free tier allows',
    }),
  })
  .meta({ id: 'Database' });

/** GET /v1/accounts/{account}/resources: what the account runs, as limits, quotes and charges see it. */
export function resourceRoutes({ readAs }: { readonly readAs: ReadAs }): FastifyPluginAsyncZod {
  return async (server) => {
    server.route({
      method: 'GET',
      url: '/accounts/:account/resources',
      config: { scope: 'read' },
      schema: {
        operationId: 'listResources',
        tags: ['Usage and costs'],
        summary: 'What the account runs now: its apps and databases',
        params: accountParams,
        response: {
          200: z
            .object({ apps: z.array(app), databases: z.array(database) })
            .meta({ id: 'Resources' }),
          ...PROBLEMS,
        },
      },
      handler: async (request) =>
        await readAs(ownAccount(request), async (db) => {
          const { id, deletedAt } = await requireAccount(db, request.params.account);
          const desired = await readDesired(db, id);
          const limitedAt = await readRowLimits(db, id);
          return {
            apps: deletedAt === undefined ? desired.apps.map(appToJson) : [],
            databases: desired.databases.map((one) => {
              const state = deletedAt === undefined ? one.state : 'DELETED';
              const since = state === 'AVAILABLE' ? limitedAt.get(one.database) : undefined;
              return {
                database: one.database,
                app: one.app,
                size: fromTenths(one.sizeTenths),
                state,
                limited_at: since === undefined ? null : toInstant(since),
              };
            }),
          };
        }),
    });
  };
}

function appToJson({ app: name, replicas, sizeTenths, isDeployed }: DesiredApp) {
  return { app: name, replicas, size: fromTenths(sizeTenths), deployed: isDeployed };
}
