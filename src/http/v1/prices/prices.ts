import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { requireAccount } from '../../../accounts/require-account.ts';
import type { Db } from '../../../database/pool.ts';
import type { ReadAs } from '../../../database/row-level-security.ts';
import { accountPriceContent } from '../../../pricing/account-price.ts';
import {
  endAccountPrice,
  listAccountPrices,
  setAccountPrice,
  type StoredAccountPrice,
} from '../../../pricing/change-account-prices.ts';
import { assert } from '../../../values/fault.ts';
import type { Clock } from '../../../values/clock.ts';
import { actorOf, ownAccount } from '../authenticate.ts';
import {
  accountParams,
  dateToInstant,
  identifier,
  instant,
  instantInput,
  PROBLEMS,
  toInstant,
} from '../schemas.ts';

const accountPrice = z
  .object({
    id: z.string().meta({ example: 'contract-2026' }),
    from: instant,
    to: instant.nullable().meta({ description: 'not included; null: until further notice' }),
    prices: accountPriceContent,
    actor: z.string(),
    reason: z.string(),
    set_at: instant,
    ended: z
      .object({ by: z.string(), reason: z.string(), at: instant })
      .nullable()
      .meta({ description: 'who let them end earlier than was said' }),
  })
  .meta({ id: 'AccountPrice', description: "an account's own prices, instead of the book's" });

const newPrice = z
  .strictObject({
    id: identifier.meta({ example: 'contract-2026' }),
    from: instantInput,
    to: instantInput.nullable().default(null),
    prices: accountPriceContent,
    reason: identifier.meta({ description: 'kept with the prices', example: 'annual contract' }),
  })
  .meta({ id: 'NewAccountPrice' });

const priceEnd = z
  .strictObject({
    at: instantInput,
    reason: identifier.meta({ description: 'kept with the prices', example: 'contract ended' }),
  })
  .meta({ id: 'AccountPriceEnd' });

/** What an account pays instead of the prices of the book, with reason and dates. */
export function priceRoutes({
  db,
  readAs,
  clock,
}: {
  readonly db: Db;
  readonly readAs: ReadAs;
  readonly clock: Clock;
}): FastifyPluginAsyncZod {
  return async (server) => {
    const common = { tags: ['Prices'] };
    server.route({
      method: 'GET',
      url: '/accounts/:account/prices',
      config: { scope: 'read' },
      schema: {
        ...common,
        operationId: 'listAccountPrices',
        summary: 'All prices the account ever had of its own, oldest first',
        params: accountParams,
        response: { 200: z.object({ prices: z.array(accountPrice) }), ...PROBLEMS },
      },
      handler: async (request) =>
        await readAs(ownAccount(request), async (reads) => {
          const { id } = await requireAccount(reads, request.params.account);
          return { prices: (await listAccountPrices(reads, id)).map(toJson) };
        }),
    });
    server.route({
      method: 'POST',
      url: '/accounts/:account/prices',
      config: { scope: 'admin' },
      schema: {
        ...common,
        operationId: 'setAccountPrice',
        summary: 'Let the account pay its own prices from an instant on',
        description:
          'They may begin in the open billing period, never in a closed one (422 `price_backdated`), and ' +
          'hold alone (409 `price_overlaps`). One per `id`: repeating it changes nothing and answers 200.',
        params: accountParams,
        body: newPrice,
        response: { 200: accountPrice, 201: accountPrice, ...PROBLEMS },
      },
      handler: async (request, reply) => {
        const { account } = request.params;
        const { id, from, to, prices: content, reason } = request.body;
        const actor = actorOf(request);
        const price = { id, from, to: to ?? undefined, content, actor, reason };
        const isNew = await setAccountPrice(db, clock(), account, price);
        return await reply.status(isNew ? 201 : 200).send(await findJson(db, account, id));
      },
    });
    server.route({
      method: 'POST',
      url: '/accounts/:account/prices/:price/end',
      config: { scope: 'admin' },
      schema: {
        ...common,
        operationId: 'endAccountPrice',
        summary: 'Let prices of the account end earlier than was said',
        description: 'At their beginning or before it: they never held. Safe to repeat.',
        params: accountParams.extend({ price: identifier.meta({ example: 'contract-2026' }) }),
        body: priceEnd,
        response: { 200: accountPrice, ...PROBLEMS },
      },
      handler: async (request) => {
        const { account, price: id } = request.params;
        const { at, reason } = request.body;
        await endAccountPrice(db, clock(), account, { id, at, reason, actor: actorOf(request) });
        return await findJson(db, account, id);
      },
    });
  };
}

async function findJson(
  db: Db,
  accountId: string,
  id: string,
): Promise<z.output<typeof accountPrice>> {
  const price = (await listAccountPrices(db, accountId)).find((one) => one.id === id);
  assert(price !== undefined, 'prices that were set are listed');
  return toJson(price);
}

function toJson(price: StoredAccountPrice): z.output<typeof accountPrice> {
  const { ended } = price;
  return {
    id: price.id,
    from: toInstant(price.from),
    to: price.to === undefined ? null : toInstant(price.to),
    prices: price.content,
    actor: price.actor,
    reason: price.reason,
    set_at: dateToInstant(price.createdAt),
    ended:
      ended === undefined
        ? null
        : { by: ended.by, reason: ended.reason, at: dateToInstant(ended.at) },
  };
}
