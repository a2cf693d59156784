import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Db } from '../../../database/pool.ts';
import { noteConnection } from '../../../platform/connection.ts';
import type { Clock } from '../../../values/clock.ts';
import { accountParams, identifier, PROBLEMS } from '../schemas.ts';

const MOST_CHARACTERS = 2000;

const field = z
  .string()
  .min(1)
  .max(MOST_CHARACTERS)
  .refine((text) => !/[\0\p{Cs}]/u.test(text), { error: 'must be text without NUL' })
  .nullable();

const connection = z
  .strictObject({
    host: field.meta({ example: 'db1.internal' }),
    port: z.number().int().min(1).max(65_535).nullable().meta({ example: 5432 }),
    username: field,
    password: field,
    database: field.meta({ description: 'its name on that server' }),
    url: field.meta({ description: 'all of it in one, for clients' }),
  })
  .meta({ id: 'DatabaseConnection', description: 'null where there is none' });

/** PUT …/databases/{database}/connection: how the owner's app reaches a database, as the platform made it. */
export function connectionRoutes({
  db,
  clock,
}: {
  readonly db: Db;
  readonly clock: Clock;
}): FastifyPluginAsyncZod {
  return async (server) => {
    server.route({
      method: 'PUT',
      url: '/accounts/:account/databases/:database/connection',
      config: { scope: 'ingest' },
      schema: {
        operationId: 'setDatabaseConnection',
        tags: ['Sources'],
        summary: "Report how a database is reached; its owner's command line shows it",
        description: 'The latest report counts. It may come before `database.available`.',
        params: accountParams.extend({ database: identifier.meta({ example: 'db1' }) }),
        body: connection,
        response: { 204: z.null(), ...PROBLEMS },
      },
      handler: async ({ params: { account: accountId, database }, body }, reply) => {
        const { database: databaseName, ...rest } = body;
        await noteConnection(db, clock(), { accountId, database }, { ...rest, databaseName });
        return await reply.status(204).send(null);
      },
    });
  };
}
