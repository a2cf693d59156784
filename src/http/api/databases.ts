import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Db } from '../../database/pool.ts';
import { readRowLimits } from '../../limits/row-limit.ts';
import { findAccess, type Access } from '../../platform/access.ts';
import { requireApp } from '../../platform/app-of-account.ts';
import { NO_CONNECTION, readConnections, type Connection } from '../../platform/connection.ts';
import {
  createDatabase,
  deleteDatabase,
  resizeDatabase,
} from '../../platform/database-commands.ts';
import { readDesired, type DesiredDatabase } from '../../platform/desired-state.ts';
import type { Second } from '../../values/instant.ts';
import { fromTenths } from '../../values/size.ts';
import { answer, created, database } from './answers.ts';
import { actorOf } from './credentials.ts';
import type { ApiDependencies } from './dependencies.ts';
import {
  appParams,
  databaseParams,
  databaseSize,
  given,
  noBody,
  toApiInstant,
  wish,
} from './schemas.ts';

const changedDatabase = z.strictObject({
  // Null: as it is.
  size: databaseSize.nullish(),
  high_availability: z.enum(['enabled', 'disabled']).nullish(),
});

const wanted = z.strictObject({
  size: databaseSize.nullish(),
  cloud: wish,
  region: wish,
  version: wish,
});

export function databaseRoutes({ commands, readAs }: ApiDependencies): FastifyPluginAsyncZod {
  const { db } = commands;
  return async (server) => {
    server.route({
      method: 'GET',
      url: '/apps/:name/databases',
      schema: { params: appParams, response: answer(z.array(database)) },
      handler: async (request) => {
        const access = await findAccess(db, actorOf(request), request.params.name);
        return {
          data: await readAs(access.accountId, async (read) => await listDatabases(read, access)),
        };
      },
    });
    server.route({
      method: 'POST',
      url: '/apps/:name/databases',
      schema: { params: appParams, body: wanted.nullish(), response: created(database) },
      handler: async (request, reply) => {
        const access = await findAccess(db, actorOf(request), request.params.name);
        const { size, ...placement } = request.body ?? {};
        const made = await createDatabase(commands, access, {
          sizeTenths: size ?? undefined,
          placement: given(placement),
        });
        return await reply.status(201).send({ data: toJson(made) });
      },
    });
    server.route({
      method: 'POST',
      url: '/apps/:name/free_databases',
      schema: { params: appParams, body: noBody, response: created(database) },
      handler: async (request, reply) => {
        const access = await findAccess(db, actorOf(request), request.params.name);
        const made = await createDatabase(commands, access, { isFreeOnly: true });
        return await reply.status(201).send({ data: toJson(made) });
      },
    });
    server.route({
      method: 'PUT',
      url: '/apps/:name/databases/:id',
      schema: { params: databaseParams, body: changedDatabase, response: answer(database) },
      handler: async (request) => {
        const { name, id } = request.params;
        const access = await findAccess(db, actorOf(request), name);
        const { size, high_availability: highAvailability } = request.body;
        const changed = await resizeDatabase(
          commands,
          { ...access, database: id },
          {
            sizeTenths: size ?? undefined,
            placement: given({ high_availability: highAvailability }),
          },
        );
        return { data: toJson(changed) };
      },
    });
    server.route({
      method: 'DELETE',
      url: '/apps/:name/databases/:id',
      schema: { params: databaseParams, body: noBody, response: answer(database) },
      handler: async (request) => {
        const { name, id } = request.params;
        const access = await findAccess(db, actorOf(request), name);
        return { data: toJson(await deleteDatabase(commands, { ...access, database: id })) };
      },
    });
  };
}

async function listDatabases(
  db: Db,
  { accountId, app }: Access,
): Promise<z.output<typeof database>[]> {
  const { apps, databases } = await readDesired(db, accountId);
  requireApp(apps, app);
  const connections = await readConnections(db, accountId);
  const limited = await readRowLimits(db, accountId);
  return databases
    .filter((one) => one.app === app)
    .map((one) => toJson(one, connections.get(one.database), limited.get(one.database)));
}

function toJson(
  { database: id, app, sizeTenths, state }: DesiredDatabase,
  connection: Connection = NO_CONNECTION,
  limitedAt?: Second,
) {
  const { host, port, username, password, databaseName, url } = connection;
  return {
    id,
    state,
    size: fromTenths(sizeTenths),
    app_name: app,
    host,
    port,
    username,
    password,
    database: databaseName,
    url,
    limited_at: limitedAt === undefined || state !== 'AVAILABLE' ? null : toApiInstant(limitedAt),
  };
}
