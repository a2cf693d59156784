import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { findAccess } from '../../platform/access.ts';
import { restartApp, runJob, scaleApp } from '../../platform/app-commands.ts';
import { fromTenths } from '../../values/size.ts';
import { answer, job, scale } from './answers.ts';
import { actorOf } from './credentials.ts';
import { migrateCommand } from './migrate-command.ts';
import type { ApiDependencies } from './dependencies.ts';
import { appParams, appSize, noBody, replicas, text } from './schemas.ts';

/** Release 0.15.0 names a function, today's release a command line. */
const task = z.union(
  [
    z.strictObject({ module: text, function: text }),
    z.strictObject({ command: z.array(text).min(1).max(100) }),
  ],
  { error: 'must be {module, function} or {command: [word, …]}' },
);

/** What may be done to an app by its owner and by those it is shared with. */
export function appActionRoutes({ commands }: ApiDependencies): FastifyPluginAsyncZod {
  const { db } = commands;
  return async (server) => {
    server.route({
      method: 'PUT',
      url: '/apps/:name/scale',
      schema: {
        params: appParams,
        body: z.strictObject({ replicas: replicas.nullish(), size: appSize.nullish() }),
        response: answer(scale),
      },
      handler: async (request) => {
        const access = await findAccess(db, actorOf(request), request.params.name);
        const { body } = request;
        const app = await scaleApp(commands, access, {
          replicas: body.replicas ?? undefined,
          sizeTenths: body.size ?? undefined,
        });
        return { data: { replicas: app.replicas, size: fromTenths(app.sizeTenths) } };
      },
    });
    server.route({
      method: 'PUT',
      url: '/apps/:name/restart',
      schema: { params: appParams, body: noBody, response: answer(z.string()) },
      handler: async (request) => {
        const access = await findAccess(db, actorOf(request), request.params.name);
        await restartApp(commands, access);
        return { data: 'restarting' };
      },
    });
    server.route({
      method: 'POST',
      url: '/apps/:name/run',
      schema: { params: appParams, body: task, response: answer(job) },
      handler: async (request) => {
        const access = await findAccess(db, actorOf(request), request.params.name);
        return { data: await runJob(commands, access, request.body) };
      },
    });
    server.route({
      method: 'GET',
      url: '/apps/:name/migrate-command',
      schema: {
        params: appParams,
        querystring: z.strictObject({ migration_app_name: text.optional() }),
        response: answer(z.string()),
      },
      handler: async (request) => {
        const { app } = await findAccess(db, actorOf(request), request.params.name);
        return { data: migrateCommand(request.query.migration_app_name ?? app) };
      },
    });
  };
}
