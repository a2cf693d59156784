import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { confirmEmail, requestToken, resetPassword } from '../../login/email-actions.ts';
import { answer, nothing } from './answers.ts';
import { publicLimiter } from './credentials.ts';
import type { ApiDependencies } from './dependencies.ts';
import { email, password, token } from './schemas.ts';

const address = z.strictObject({ email });

/** What is done by way of the owner's mailbox. Nobody is logged in. */
export function emailRoutes({ commands, rateLimits }: ApiDependencies): FastifyPluginAsyncZod {
  return async (server) => {
    server.addHook('onRequest', publicLimiter(server, rateLimits));
    server.route({
      method: 'PUT',
      url: '/users/reset_password',
      config: { errorsAsList: true },
      schema: { body: address, response: answer(nothing) },
      handler: async ({ body }) => {
        await requestToken(commands, body.email, 'reset_password');
        return { data: {} };
      },
    });
    server.route({
      method: 'POST',
      url: '/users/reset_password',
      schema: { body: z.strictObject({ token, password }), response: answer(nothing) },
      handler: async ({ body }) => {
        await resetPassword(commands, body);
        return { data: {} };
      },
    });
    server.route({
      method: 'PUT',
      url: '/users/reconfirm_email',
      schema: { body: address, response: answer(nothing) },
      handler: async ({ body }) => {
        await requestToken(commands, body.email, 'confirm_email');
        return { data: {} };
      },
    });
    // No command of the CLI: what the mail's link, or the page it opens, calls.
    server.route({
      method: 'POST',
      url: '/users/confirm_email',
      schema: { body: z.strictObject({ token }), response: answer(nothing) },
      handler: async ({ body }) => {
        await confirmEmail(commands, body.token);
        return { data: {} };
      },
    });
  };
}
