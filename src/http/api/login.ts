import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { issueAccountKey, revokeAccountKeys } from '../../accounts/api-key-store.ts';
import { changePassword } from '../../login/authenticate.ts';
import { answer, created, key, owner } from './answers.ts';
import { passwordCheck } from './credentials.ts';
import type { ApiDependencies } from './dependencies.ts';
import { noBody, password, toApiInstantOf } from './schemas.ts';

/** What is done with `email:password` instead of an API key. */
export function loginRoutes({ commands, rateLimits }: ApiDependencies): FastifyPluginAsyncZod {
  const { db, clock } = commands;
  return async (server) => {
    const checkPassword = passwordCheck(server, { db, rateLimits });
    server.get('/login', { schema: { response: answer(key) } }, async (request) => {
      const account = await checkPassword(request);
      const { secret, expiresAt } = await issueAccountKey(db, clock(), account.id, 'login');
      return { data: { key: secret, expires_at: toApiInstantOf(expiresAt) } };
    });
    server.route({
      method: 'POST',
      url: '/api_keys',
      schema: { body: noBody, response: created(key) },
      handler: async (request, reply) => {
        const account = await checkPassword(request);
        return await reply.status(201).send({ data: await resetKeys({ commands }, account.id) });
      },
    });
    server.route({
      method: 'PATCH',
      url: '/users',
      schema: { body: z.strictObject({ new_password: password }), response: answer(owner) },
      handler: async (request) => {
        const account = await checkPassword(request);
        await changePassword({ db, clock }, account, request.body.new_password);
        return { data: { email: account.email } };
      },
    });
  };
}

/** Ends all keys of an account and issues one, together (R50). */
export async function resetKeys(
  { commands: { db, clock } }: Pick<ApiDependencies, 'commands'>,
  accountId: string,
): Promise<{ key: string; expires_at: string }> {
  return await db.transaction().execute(async (tx) => {
    const now = clock();
    await revokeAccountKeys(tx, now, accountId);
    const { secret, expiresAt } = await issueAccountKey(tx, now, accountId, 'reset');
    return { key: secret, expires_at: toApiInstantOf(expiresAt) };
  });
}
