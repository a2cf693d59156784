import type { FastifyPluginAsync } from 'fastify';
import { readJsonBodies } from '../json-bodies.ts';
import { neverCached } from '../never-cached.ts';
import { refuseUnexpectedInput } from '../unexpected-input.ts';
import { appActionRoutes } from './app-actions.ts';
import { appRoutes } from './apps.ts';
import { requireApiKey } from './credentials.ts';
import { databaseRoutes } from './databases.ts';
import type { ApiDependencies } from './dependencies.ts';
import { emailRoutes } from './email-actions.ts';
import { sendErrors, sendUnknown } from './errors.ts';
import { invoiceRoutes } from './invoices.ts';
import { loginRoutes } from './login.ts';
import { paymentMethodRoutes } from './payment-methods.ts';
import { permissionRoutes } from './permissions.ts';
import { signUpRoutes } from './sign-up.ts';
import { usageRoutes } from './usage.ts';
import { userRoutes } from './users.ts';

/** Whoever calls these has no key yet; a bad Authorization header does not matter. */
const WITHOUT_KEY = [signUpRoutes, emailRoutes, loginRoutes];

const WITH_KEY = [
  userRoutes,
  paymentMethodRoutes,
  usageRoutes,
  invoiceRoutes,
  appRoutes,
  appActionRoutes,
  databaseRoutes,
  permissionRoutes,
];

/** The API that the unmodified Gigalixir command-line interface talks to, releases 0.15.0 and 1.16.1. */
export function apiRoutes(dependencies: ApiDependencies): FastifyPluginAsync {
  return async (server) => {
    readJsonBodies(server, ['application/json']);
    server.setErrorHandler(sendErrors);
    server.setNotFoundHandler(sendUnknown);
    refuseUnexpectedInput(server);
    neverCached(server);
    for (const routes of WITHOUT_KEY) await server.register(routes(dependencies));
    await server.register(async (members) => {
      requireApiKey(members, { ...dependencies, clock: dependencies.commands.clock });
      for (const routes of WITH_KEY) await members.register(routes(dependencies));
    });
  };
}
