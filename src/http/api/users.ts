import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { tierAt } from '../../accounts/account.ts';
import { balancesOf } from '../../ledger/store.ts';
import { changePassword, requirePassword } from '../../login/authenticate.ts';
import { emailKey } from '../../login/login-store.ts';
import { deleteAccount, recordUpgrade } from '../../platform/account-commands.ts';
import { setPaymentMethod } from '../../stripe/cards/set-payment-method.ts';
import { upgradeAccount } from '../../stripe/cards/upgrade-account.ts';
import { Fault } from '../../values/fault.ts';
import { toSecond } from '../../values/instant.ts';
import { memberOf, passwordLimiter } from './credentials.ts';
import { resetKeys } from './login.ts';
import type { ApiDependencies } from './dependencies.ts';
import { email, noBody, password, token } from './schemas.ts';
import { unknownPromoCode } from './sign-up.ts';

/** The account itself: what it is, its tier, its password and its end. */
export function userRoutes(dependencies: ApiDependencies): FastifyPluginAsyncZod {
  const { commands, openStripe, readAs } = dependencies;
  const { db, clock } = commands;
  const upgrade = async (accountId: string): Promise<void> =>
    await upgradeAccount(
      { db, clock, recordUpgrade: async () => await recordUpgrade(commands, accountId) },
      accountId,
    );
  return async (server) => {
    const countPassword = passwordLimiter(server);
    server.get('/users', async (request) => {
      const account = memberOf(request);
      const balances = await readAs(account.id, async (read) => balancesOf(read, [account.id]));
      return {
        data: {
          email: account.email,
          tier: tierAt(account, toSecond(clock())),
          credit_cents: Number(balances.get(account.id)!.credit),
        },
      };
    });
    server.route({
      method: 'PUT',
      url: '/users/upgrade',
      schema: { body: noBody },
      handler: async (request) => {
        await upgrade(memberOf(request).id);
        return { data: { tier: 'STANDARD' } };
      },
    });
    server.route({
      method: 'POST',
      url: '/upgrade',
      schema: { body: z.strictObject({ stripe_token: token, promo_code: token.nullish() }) },
      handler: async (request) => {
        const { id: accountId, upgradedAt } = memberOf(request);
        const { stripe_token: stripeToken, promo_code: promoCode } = request.body;
        if (typeof promoCode === 'string') throw unknownPromoCode();
        // Before the card is touched: a second upgrade changes nothing (R25).
        if (upgradedAt !== undefined) throw alreadyUpgraded();
        await setPaymentMethod(openStripe(), { accountId, source: { token: stripeToken } });
        await upgrade(accountId);
        return { data: { tier: 'STANDARD' } };
      },
    });
    server.route({
      method: 'PATCH',
      url: '/users/change_password',
      schema: { body: z.strictObject({ current_password: password, new_password: password }) },
      handler: async (request) => {
        const account = memberOf(request);
        await countPassword(request);
        await requirePassword({ db }, account, request.body.current_password);
        await changePassword({ db, clock }, account, request.body.new_password);
        return { data: { email: account.email } };
      },
    });
    server.route({
      method: 'POST',
      url: '/api_keys/regenerate',
      schema: { querystring: z.strictObject({ current_password: password }), body: noBody },
      handler: async (request, reply) => {
        const account = memberOf(request);
        await countPassword(request);
        await requirePassword({ db }, account, request.query.current_password);
        return await reply.status(201).send({ data: await resetKeys(dependencies, account.id) });
      },
    });
    server.route({
      method: 'DELETE',
      url: '/users/destroy',
      schema: { body: z.strictObject({ email, current_password: password }) },
      handler: async (request) => {
        const account = memberOf(request);
        await countPassword(request);
        await requirePassword({ db }, account, request.body.current_password);
        if (emailKey(request.body.email) !== emailKey(account.email)) throw otherEmail();
        await deleteAccount(commands, account.id);
        return { data: { email: account.email } };
      },
    });
  };
}

function alreadyUpgraded(): Fault {
  return new Fault('conflict', 'already_upgraded', 'The account is on the standard tier already.');
}

function otherEmail(): Fault {
  return new Fault('invalid', 'email_other', 'This is not the address of the account.');
}
