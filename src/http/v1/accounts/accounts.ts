import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Account } from '../../../accounts/account.ts';
import { pageAccounts } from '../../../accounts/page-accounts.ts';
import { requireAccount } from '../../../accounts/require-account.ts';
import type { Db } from '../../../database/pool.ts';
import type { ReadAs } from '../../../database/row-level-security.ts';
import { balancesOf } from '../../../ledger/store.ts';
import type { Clock } from '../../../values/clock.ts';
import { toSecond } from '../../../values/instant.ts';
import { accountSchema, accountToJson, tierSpan, tiersToJson } from './account-json.ts';
import { ownAccount } from '../authenticate.ts';
import { accountParams, next, pageOf, paging, PROBLEMS } from '../schemas.ts';

/** Accounts as they are; an account's own key sees itself alone. */
export function accountRoutes({
  readAs,
  clock,
}: {
  readonly readAs: ReadAs;
  readonly clock: Clock;
}): FastifyPluginAsyncZod {
  return async (server) => {
    const common = { tags: ['Accounts'] };
    server.route({
      method: 'GET',
      url: '/accounts',
      config: { scope: 'read' },
      schema: {
        ...common,
        operationId: 'listAccounts',
        summary: 'All accounts, in the order of their ids; deleted ones too',
        querystring: z.strictObject(paging),
        response: { 200: z.object({ accounts: z.array(accountSchema), next }), ...PROBLEMS },
      },
      handler: async (request) => {
        const { limit, after } = request.query;
        const own = ownAccount(request);
        return await readAs(own, async (db) => {
          const accounts =
            own === undefined
              ? await pageAccounts(db, { after, limit: limit + 1 })
              : [await requireAccount(db, own)];
          const page = pageOf(accounts, limit, ({ id }) => id);
          return { accounts: await toJson(db, page.rows, clock()), next: page.next };
        });
      },
    });
    server.route({
      method: 'GET',
      url: '/accounts/:account',
      config: { scope: 'read' },
      schema: {
        ...common,
        operationId: 'getAccount',
        summary: 'An account',
        params: accountParams,
        response: { 200: accountSchema, ...PROBLEMS },
      },
      handler: async (request) =>
        await readAs(ownAccount(request), async (db) => {
          const account = await requireAccount(db, request.params.account);
          const [json] = await toJson(db, [account], clock());
          return json!;
        }),
    });
    server.route({
      method: 'GET',
      url: '/accounts/:account/tiers',
      config: { scope: 'read' },
      schema: {
        ...common,
        operationId: 'getTiers',
        summary: 'Which tier the account was in, from when to when',
        params: accountParams,
        response: { 200: z.object({ tiers: z.array(tierSpan) }), ...PROBLEMS },
      },
      handler: async (request) =>
        await readAs(ownAccount(request), async (db) => {
          const account = await requireAccount(db, request.params.account);
          return { tiers: tiersToJson(account) };
        }),
    });
  };
}

async function toJson(
  db: Db,
  accounts: readonly Account[],
  now: Date,
): Promise<z.output<typeof accountSchema>[]> {
  const balances = await balancesOf(
    db,
    accounts.map(({ id }) => id),
  );
  return accounts.map((account) =>
    accountToJson(account, balances.get(account.id)!, toSecond(now)),
  );
}
