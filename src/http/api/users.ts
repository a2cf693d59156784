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
import { account, answer, created, key, owner, tier } from './answers.ts';
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
    server.get('/users', { schema: { response: answer(account) } }, async (request) => {
      const member = memberOf(request);
      const balances = await readAs(member.id, async (read) => balancesOf(read, [member.id]));
      return {
        data: {
          email: member.email,
          tier: tierAt(member, toSecond(clock())),
          credit_cents: Number(balances.get(member.id)!.credit),
        },
      };
    });
    server.route({
      method: 'PUT',
      url: '/users/upgrade',
      schema: { body: noBody, response: answer(tier) },
      handler: async (request) => {
        await upgrade(memberOf(request).id);
        return { data: { tier: 'STANDARD' as const } };
      },
    });
    server.route({
      method: 'POST',
      url: '/upgrade',
      schema: {
        body: z.strictObject({ stripe_token: token, promo_code: token.nullish() }),
        response: answer(tier),
      },
      handler: async (request) => {
        const { id: accountId, upgradedAt } = memberOf(request);
        const { stripe_token: stripeToken, promo_code: promoCode } = request.body;
        if (typeof promoCode === 'string') throw unknownPromoCode();
        // Before the card is touched: a second upgrade changes nothing (R25).
        if (upgradedAt !== undefined) throw alreadyUpgraded();
        await setPaymentMethod(openStripe(), { accountId, source: { token: stripeToken } });
        await upgrade(accountId);
        return { data: { tier: 'STANDARD' as const } };
      },
    });
    server.route({
      method: 'PATCH',
      url: '/users/change_password',
      schema: {
        body: z.strictObject({ current_password: password, new_password: password }),
        response: answer(owner),
      },
      handler: async (request) => {
        const member = memberOf(request);
        await countPassword(request);
        await requirePassword({ db }, member, request.body.current_password);
        await changePassword({ db, clock }, member, request.body.new_password);
        return { data: { email: member.email } };
      },
    });
    server.route({
      method: 'POST',
      url: '/api_keys/regenerate',
      schema: {
        querystring: z.strictObject({ current_password: password }),
        body: noBody,
        response: created(key),
      },
      handler: async (request, reply) => {
        const member = memberOf(request);
        await countPassword(request);
        await requirePassword({ db }, member, request.query.current_password);
        return await reply.status(201).send({ data: await resetKeys(dependencies, member.id) });
      },
    });
    server.route({
      method: 'DELETE',
      url: '/users/destroy',
      schema: {
        body: z.strictObject({ email, current_password: password }),
        response: answer(owner),
      },
      handler: async (request) => {
        const member = memberOf(request);
        await countPassword(request);
        await requirePassword({ db }, member, request.body.current_password);
        if (emailKey(request.body.email) !== emailKey(member.email)) throw otherEmail();
        await deleteAccount(commands, member.id);
        return { data: { email: member.email } };
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
