import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { findAccess, requireOwner, type Access } from '../../platform/access.ts';
import { createApp, deleteApp } from '../../platform/app-commands.ts';
import { requireApp } from '../../platform/app-of-account.ts';
import { readDesired, type DesiredApp } from '../../platform/desired-state.ts';
import { fromTenths } from '../../values/size.ts';
import { answer, app, appStatus, created } from './answers.ts';
import { actorOf, memberOf } from './credentials.ts';
import type { ApiDependencies } from './dependencies.ts';
import { appName, appParams, given, noBody, wish } from './schemas.ts';

/** Apps as their owner wants them; those of collaborators are not listed, but can be named. */
export function appRoutes({ commands, readAs }: ApiDependencies): FastifyPluginAsyncZod {
  const { db } = commands;
  const find = async ({ accountId, app: name }: Access): Promise<DesiredApp> =>
    requireApp((await readAs(accountId, async (read) => readDesired(read, accountId))).apps, name);
  return async (server) => {
    server.get('/apps', { schema: { response: answer(z.array(app)) } }, async (request) => {
      const { id } = memberOf(request);
      const { apps } = await readAs(id, async (read) => await readDesired(read, id));
      return { data: apps.map(toJson) };
    });
    server.route({
      method: 'POST',
      url: '/apps',
      schema: {
        body: z
          .strictObject({
            unique_name: appName.nullish(),
            cloud: wish,
            region: wish,
            stack: wish,
          })
          .nullish(),
        response: created(app),
      },
      handler: async (request, reply) => {
        const { unique_name: name, ...placement } = request.body ?? {};
        const made = await createApp(commands, memberOf(request).id, {
          name: name ?? undefined,
          placement: given(placement),
        });
        return await reply.status(201).send({ data: toJson(made) });
      },
    });
    server.route({
      method: 'GET',
      url: '/apps/:name',
      schema: { params: appParams, response: answer(app) },
      handler: async (request) => {
        const access = await findAccess(db, actorOf(request), request.params.name);
        return { data: toJson(await find(access)) };
      },
    });
    server.route({
      method: 'DELETE',
      url: '/apps/:name',
      schema: { params: appParams, body: noBody, response: answer(app) },
      handler: async (request) => {
        const access = await findAccess(db, actorOf(request), request.params.name);
        requireOwner(access);
        return { data: toJson(await deleteApp(commands, access)) };
      },
    });
    server.route({
      method: 'GET',
      url: '/apps/:name/status',
      schema: { params: appParams, response: answer(appStatus) },
      handler: async (request) => {
        const access = await findAccess(db, actorOf(request), request.params.name);
        const { replicas, sizeTenths, isDeployed } = await find(access);
        return {
          data: {
            replicas_desired: replicas,
            // What is deployed is taken to run what it is asked to: the platform reports levels, not pods.
            replicas_running: isDeployed ? replicas : 0,
            size: fromTenths(sizeTenths),
          },
        };
      },
    });
  };
}

function toJson({ app: name, replicas, sizeTenths }: DesiredApp) {
  return { unique_name: name, size: fromTenths(sizeTenths), replicas };
}
