import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { requireAccount } from '../../../accounts/require-account.ts';
import type { ReadAs } from '../../../database/row-level-security.ts';
import { runningPeriod } from '../../../invoicing/previews/preview-bill.ts';
import { windowUsage, type PricedUsage } from '../../../invoicing/previews/window-usage.ts';
import { unconfirmedOf, type Unconfirmed } from '../../../sources/silence/unconfirmed.ts';
import type { Clock } from '../../../values/clock.ts';
import { Fault } from '../../../values/fault.ts';
import { toSecond, type Second } from '../../../values/instant.ts';
import { formatTenths, fromTenths } from '../../../values/size.ts';
import { ownAccount } from '../authenticate.ts';
import {
  accountParams,
  cents,
  decimal,
  identifier,
  instantInput,
  period,
  periodToJson,
  PROBLEMS,
  toCents,
  toInstant,
} from '../schemas.ts';
import { unconfirmed, unconfirmedToJson } from './unconfirmed.ts';

const usage = z
  .object({
    account: identifier,
    window: period.meta({
      description: 'what was counted: not before the sign-up, not after now',
    }),
    apps: z.array(
      z.object({ app: z.string(), replica_size_seconds: decimal, amount_cents: cents }),
    ),
    databases: z.array(
      z.object({
        app: z.string(),
        database: z.string(),
        size: z.number(),
        seconds: decimal,
        amount_cents: cents,
      }),
    ),
    total_cents: cents,
    unconfirmed,
  })
  .meta({ id: 'Usage' });

/** GET /v1/accounts/{account}/usage: of the running period up to now (R32), or of any window. */
export function usageRoutes({
  readAs,
  clock,
}: {
  readonly readAs: ReadAs;
  readonly clock: Clock;
}): FastifyPluginAsyncZod {
  return async (server) => {
    server.route({
      method: 'GET',
      url: '/accounts/:account/usage',
      config: { scope: 'read' },
      schema: {
        operationId: 'getUsage',
        tags: ['Usage and costs'],
        summary: 'What was used, per app and database, and what that costs',
        description:
          'Without `from` and `to`: the running billing period up to now. With them: any window, each ' +
          'billing period in it priced and rounded on its own; at most 120 of them.',
        params: accountParams,
        querystring: z.strictObject({ from: instantInput.optional(), to: instantInput.optional() }),
        response: { 200: usage, ...PROBLEMS },
      },
      handler: async (request) => {
        const { account: accountId } = request.params;
        const now = toSecond(clock());
        const { from, to = now } = request.query;
        return await readAs(ownAccount(request), async (db) => {
          const account = await requireAccount(db, accountId);
          const start = from ?? runningPeriod(account, now).start;
          if (start > to) throw windowReversed(start, to, from === undefined);
          const used = await windowUsage(db, account, { from: start, to }, now);
          const silent = await unconfirmedOf(db, accountId, used.window);
          return usageToJson(accountId, used, silent);
        });
      },
    });
  };
}

function windowReversed(from: Second, to: Second, isOfPeriod: boolean): Fault {
  const start = `${toInstant(from)}${isOfPeriod ? ', where the running period begins' : ''}`;
  const message = `\`from\` is ${start}; it must not be after \`to\`, ${toInstant(to)}`;
  return new Fault('invalid', 'window_reversed', message);
}

function usageToJson(
  account: string,
  { window, apps, databases, totalCents }: PricedUsage,
  silent: readonly Unconfirmed[],
): z.output<typeof usage> {
  return {
    account,
    window: periodToJson({ start: window.from, end: window.to }),
    apps: apps.map((row) => ({
      app: row.app,
      replica_size_seconds: formatTenths(row.rssTenths),
      amount_cents: toCents(row.amountCents),
    })),
    databases: databases.map((row) => ({
      app: row.app,
      database: row.database,
      size: fromTenths(row.sizeTenths),
      seconds: row.seconds.toString(),
      amount_cents: toCents(row.amountCents),
    })),
    total_cents: toCents(totalCents),
    unconfirmed: unconfirmedToJson(silent),
  };
}
