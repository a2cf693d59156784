import formbody from '@fastify/formbody';
import type { FastifyPluginAsync } from 'fastify';
import { findSession } from '../login/session-store.ts';
import { addAccountPages } from './account/routes.tsx';
import { addAssets } from './assets.ts';
import type { PagesDependencies } from './dependencies.ts';
import { sendErrorPage } from './errors.tsx';
import { queueBoard } from './operator/board.ts';
import { addOperatorPages } from './operator/routes.tsx';
import { readCookie } from './session/cookie.ts';
import { admit, requireOwnForms, unknownPage } from './session/guard.ts';
import { addSignIn, startOf } from './sign-in.tsx';

/** Everything our own, nothing inline; a form may only be sent to us. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "img-src 'self' data:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** What people look at in a browser: the bill of an account, the day of an operator. */
export function pageRoutes(dependencies: PagesDependencies): FastifyPluginAsync {
  const { db, clock } = dependencies;
  return async (server) => {
    server.decorateRequest('viewer', null);
    server.setErrorHandler(sendErrorPage);
    server.addHook('onRoute', (route) => {
      route.schema = { ...route.schema, hide: true };
    });
    addAssets(server);
    await server.register(async (pages) => {
      await pages.register(formbody);
      pages.addHook('onRequest', async (_request, reply) => {
        void reply.header('content-security-policy', CONTENT_SECURITY_POLICY);
      });
      pages.get('/', async (request, reply) => {
        const secret = readCookie(request);
        const session = secret === undefined ? undefined : await findSession(db, clock(), secret);
        await reply.redirect(session === undefined ? '/sign-in' : startOf(session.accountId), 303);
      });
      addSignIn(pages, dependencies);
      await pages.register(async (guarded) => {
        guarded.addHook('onRequest', async (request) => await admit(request, dependencies));
        requireOwnForms(guarded);
        addAccountPages(guarded, dependencies);
        addOperatorPages(guarded, dependencies);
        for (const path of ['/account/*', '/operator/*']) {
          guarded.get(path, () => {
            throw unknownPage();
          });
        }
      });
    });
    await server.register(queueBoard(dependencies));
  };
}
