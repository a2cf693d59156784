import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { requireAccount } from '../../../accounts/require-account.ts';
import { balancesOf } from '../../../ledger/store.ts';
import {
  confirmAccount,
  createAccount,
  deleteAccount,
  recordUpgrade,
} from '../../../platform/account-commands.ts';
import type { CommandContext } from '../../../platform/command.ts';
import { upgradeAccount } from '../../../stripe/cards/upgrade-account.ts';
import { toSecond } from '../../../values/instant.ts';
import { accountSchema, accountToJson } from './account-json.ts';
import { accountParams, email, identifier, PROBLEMS } from '../schemas.ts';

/** What is done to accounts; each becomes an event like those that are reported. */
export function accountCommandRoutes({
  commands,
}: {
  readonly commands: CommandContext;
}): FastifyPluginAsyncZod {
  const { db, clock } = commands;
  const show = async (accountId: string): Promise<z.output<typeof accountSchema>> => {
    const account = await requireAccount(db, accountId);
    const balances = await balancesOf(db, [accountId]);
    return accountToJson(account, balances.get(accountId)!, toSecond(clock()));
  };
  return async (server) => {
    const common = { tags: ['Accounts'] };
    server.route({
      method: 'POST',
      url: '/accounts',
      config: { scope: 'admin' },
      schema: {
        ...common,
        operationId: 'createAccount',
        summary: 'Sign an account up now, in the FREE tier',
        description: 'Repeating it with the same e-mail address changes nothing and answers 200.',
        body: z.strictObject({
          account: identifier,
          email,
        }),
        response: { 200: accountSchema, 201: accountSchema, ...PROBLEMS },
      },
      handler: async ({ body: { account: accountId, ...body } }, reply) => {
        const { isNew } = await createAccount(commands, { accountId, email: body.email });
        return await reply.status(isNew ? 201 : 200).send(await show(accountId));
      },
    });
    server.route({
      method: 'POST',
      url: '/accounts/:account/confirm',
      config: { scope: 'admin' },
      schema: {
        ...common,
        operationId: 'confirmAccount',
        summary: "Note that the e-mail address is the owner's; safe to repeat",
        params: accountParams,
        response: { 200: accountSchema, ...PROBLEMS },
      },
      handler: async ({ params: { account } }) => {
        await confirmAccount(commands, account);
        return await show(account);
      },
    });
    server.route({
      method: 'POST',
      url: '/accounts/:account/upgrade',
      config: { scope: 'billing' },
      schema: {
        ...common,
        operationId: 'upgradeAccount',
        summary: 'Charge the account from this second on',
        description:
          'Needs a payment method (409 `no_payment_method`). There is no way back, and a second time is ' +
          'refused (409 `already_upgraded`) and changes nothing.',
        params: accountParams,
        response: { 200: accountSchema, ...PROBLEMS },
      },
      handler: async ({ params: { account } }) => {
        await upgradeAccount(
          { db, clock, recordUpgrade: async () => await recordUpgrade(commands, account) },
          account,
        );
        return await show(account);
      },
    });
    server.route({
      method: 'DELETE',
      url: '/accounts/:account',
      config: { scope: 'admin' },
      schema: {
        ...common,
        operationId: 'deleteAccount',
        summary: 'End the account and its apps; its final invoice follows at once',
        params: accountParams,
        response: { 200: accountSchema, ...PROBLEMS },
      },
      handler: async ({ params: { account } }) => {
        await deleteAccount(commands, account);
        return await show(account);
      },
    });
  };
}
