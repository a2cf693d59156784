import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { findAccess, requireOwner } from '../../platform/access.ts';
import { grantPermission, listPermissions, revokePermission } from '../../platform/permissions.ts';
import { answer, created, owner, permission } from './answers.ts';
import { actorOf } from './credentials.ts';
import type { ApiDependencies } from './dependencies.ts';
import { appParams, email, wish } from './schemas.ts';

/** Who else may act on an app; whom, its owner alone decides. */
export function permissionRoutes({ commands, readAs }: ApiDependencies): FastifyPluginAsyncZod {
  const { db } = commands;
  return async (server) => {
    server.route({
      method: 'GET',
      url: '/apps/:name/permissions',
      schema: { params: appParams, response: answer(z.array(z.string())) },
      handler: async (request) => {
        const access = await findAccess(db, actorOf(request), request.params.name);
        return {
          data: await readAs(access.accountId, async (read) => [
            ...(await listPermissions(read, access)),
          ]),
        };
      },
    });
    server.route({
      method: 'POST',
      url: '/apps/:name/permissions',
      schema: {
        params: appParams,
        body: z.strictObject({ email, role: wish }),
        response: created(permission),
      },
      handler: async (request, reply) => {
        const access = await findAccess(db, actorOf(request), request.params.name);
        requireOwner(access);
        const { email: address, role } = request.body;
        await grantPermission(commands, access, { email: address, role: role ?? undefined });
        return await reply.status(201).send({ data: { email: address, role: role ?? null } });
      },
    });
    server.route({
      method: 'DELETE',
      url: '/apps/:name/permissions',
      schema: { params: appParams, body: z.strictObject({ email }), response: answer(owner) },
      handler: async (request) => {
        const access = await findAccess(db, actorOf(request), request.params.name);
        requireOwner(access);
        await revokePermission(commands, access, request.body.email);
        return { data: { email: request.body.email } };
      },
    });
  };
}
