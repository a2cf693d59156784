import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { tierAt, type Account } from '../../../accounts/account.ts';
import { requireLiveAccount } from '../../../accounts/require-account.ts';
import type { Db } from '../../../database/pool.ts';
import type { ReadAs } from '../../../database/row-level-security.ts';
import { runningPeriod } from '../../../invoicing/previews/preview-bill.ts';
import { quoteChange, type Cost } from '../../../invoicing/previews/quote.ts';
import { reasonsAgainst, type Limits } from '../../../limits/rules.ts';
import { holdingsOf, readDesired, runningOf } from '../../../platform/desired-state.ts';
import { priceBooksOf } from '../../../pricing/store.ts';
import type { Clock } from '../../../values/clock.ts';
import { formatFraction, fraction } from '../../../values/fraction.ts';
import { toSecond, type Second } from '../../../values/instant.ts';
import { ownAccount } from '../authenticate.ts';
import {
  changeBody,
  changeToJson,
  completedChange,
  reasons,
  reasonsToJson,
  toChange,
} from './changes.ts';
import {
  accountParams,
  cents,
  decimal,
  period,
  periodToJson,
  PROBLEMS,
  tier,
  toCents,
} from '../schemas.ts';

const verdict = {
  allowed: z.boolean(),
  reasons: reasons.meta({ description: 'why it is not allowed' }),
  change: completedChange,
};
const check = z.object(verdict).meta({ id: 'Check' });

const cost = z
  .object({
    usd_per_hour: decimal.meta({ description: 'in US dollars, not rounded to cents' }),
    rest_of_period_cents: cents,
    full_period_cents: cents,
  })
  .meta({ id: 'Cost' });

const quote = z
  .object({
    ...verdict,
    tier: tier.meta({ description: 'whose prices are quoted; in FREE everything is free' }),
    period,
    present: cost.meta({ description: 'of all the account runs now' }),
    proposed: cost.meta({ description: 'of all it would run' }),
  })
  .meta({ id: 'Quote' });

const USD_DECIMALS = 8;

/** May an account make a change, and what would it cost: by the rules and prices that decide it in earnest. */
export function checkRoutes({
  readAs,
  clock,
  limits,
}: {
  readonly readAs: ReadAs;
  readonly clock: Clock;
  readonly limits: Limits;
}): FastifyPluginAsyncZod {
  const judge = async (db: Db, account: Account, body: z.output<typeof changeBody>, at: Second) => {
    const desired = await readDesired(db, account.id);
    const change = toChange(body, desired);
    const found = reasonsAgainst(holdingsOf(account, desired, at), change, limits);
    return {
      change,
      running: runningOf(desired),
      verdict: {
        allowed: found.length === 0,
        reasons: reasonsToJson(found),
        change: changeToJson(change),
      },
    };
  };
  return async (server) => {
    const common = { tags: ['Checks and quotes'], params: accountParams };
    server.route({
      method: 'POST',
      url: '/accounts/:account/check',
      config: { scope: 'read' },
      schema: {
        ...common,
        operationId: 'checkChange',
        summary: 'May the account do this? Changes nothing',
        body: changeBody,
        response: { 200: check, ...PROBLEMS },
      },
      handler: async (request) => {
        const at = toSecond(clock());
        return await readAs(ownAccount(request), async (db) => {
          const account = await requireLiveAccount(db, request.params.account);
          return (await judge(db, account, request.body, at)).verdict;
        });
      },
    });
    server.route({
      method: 'POST',
      url: '/accounts/:account/quote',
      config: { scope: 'read' },
      schema: {
        ...common,
        operationId: 'quoteChange',
        summary: 'What would this cost? Changes nothing',
        querystring: z.strictObject({
          tier: tier.optional().meta({ description: 'quote as if in this tier' }),
        }),
        body: changeBody,
        response: { 200: quote, ...PROBLEMS },
      },
      handler: async (request) => {
        const at = toSecond(clock());
        return await readAs(ownAccount(request), async (db) => {
          const account = await requireLiveAccount(db, request.params.account);
          const { change, running, verdict: decided } = await judge(db, account, request.body, at);
          const terms = {
            tier: request.query.tier ?? tierAt(account, at),
            priceBooks: await priceBooksOf(db, account.id),
            period: runningPeriod(account, at),
            at,
          };
          const { present, proposed } = quoteChange(running, change, terms);
          return {
            ...decided,
            tier: terms.tier,
            period: periodToJson(terms.period),
            present: costToJson(present),
            proposed: costToJson(proposed),
          };
        });
      },
    });
  };
}

function costToJson({
  centsPerHour: { numerator, denominator },
  restOfPeriodCents,
  fullPeriodCents,
}: Cost): z.output<typeof cost> {
  return {
    usd_per_hour: formatFraction(fraction(numerator, denominator * 100n), USD_DECIMALS),
    rest_of_period_cents: toCents(restOfPeriodCents),
    full_period_cents: toCents(fullPeriodCents),
  };
}
