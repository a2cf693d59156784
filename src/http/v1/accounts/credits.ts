import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { requireAccount } from '../../../accounts/require-account.ts';
import type { Db } from '../../../database/pool.ts';
import type { ReadAs } from '../../../database/row-level-security.ts';
import { grantCredit } from '../../../ledger/grant-credit.ts';
import { pageCredits } from '../../../ledger/page-credits.ts';
import { balancesOf } from '../../../ledger/store.ts';
import type { Clock } from '../../../values/clock.ts';
import { actorOf, ownAccount } from '../authenticate.ts';
import { moneyBody } from './money-body.ts';
import {
  accountParams,
  cents,
  dateToInstant,
  instant,
  next,
  pageOf,
  paging,
  PROBLEMS,
  toCents,
} from '../schemas.ts';

const creditEntry = z
  .object({
    entry_id: z.string(),
    kind: z.string().meta({ example: 'credit_granted' }),
    amount_cents: cents.meta({ description: 'negative where an invoice used it' }),
    invoice_id: z.string().nullable(),
    actor: z.string(),
    reason: z.string().nullable(),
    recorded_at: instant,
  })
  .meta({ id: 'CreditEntry' });

const granted = z
  .object({ id: z.string(), amount_cents: cents, credit_cents: cents })
  .meta({ id: 'GrantedCredit' });

/** Credit of an account: what it has, what became of it, and more of it (R40). */
export function creditRoutes({
  db,
  readAs,
  clock,
}: {
  readonly db: Db;
  readonly readAs: ReadAs;
  readonly clock: Clock;
}): FastifyPluginAsyncZod {
  return async (server) => {
    const common = { tags: ['Money'], params: accountParams };
    server.route({
      method: 'GET',
      url: '/accounts/:account/credits',
      config: { scope: 'read' },
      schema: {
        ...common,
        operationId: 'listCredits',
        summary: 'Credit that is left, and what became of it, oldest first',
        querystring: z.strictObject(paging),
        response: {
          200: z.object({ credit_cents: cents, entries: z.array(creditEntry), next }),
          ...PROBLEMS,
        },
      },
      handler: async (request) => {
        const { account } = request.params;
        const { limit, after } = request.query;
        return await readAs(ownAccount(request), async (reads) => {
          await requireAccount(reads, account);
          const entries = await pageCredits(reads, account, { after, limit: limit + 1 });
          const page = pageOf(entries, limit, ({ entryId }) => entryId);
          return {
            credit_cents: await creditOf(reads, account),
            entries: page.rows.map((entry) => ({
              entry_id: entry.entryId,
              kind: entry.kind,
              amount_cents: toCents(entry.amountCents),
              invoice_id: entry.invoiceId ?? null,
              actor: entry.actor,
              reason: entry.reason ?? null,
              recorded_at: dateToInstant(entry.recordedAt),
            })),
            next: page.next,
          };
        });
      },
    });
    server.route({
      method: 'POST',
      url: '/accounts/:account/credits',
      config: { scope: 'billing' },
      schema: {
        ...common,
        operationId: 'grantCredit',
        summary: 'Give credit, which the next invoices use',
        description: 'One credit per `id`: repeating it changes nothing and answers 200.',
        body: moneyBody,
        response: { 200: granted, 201: granted, ...PROBLEMS },
      },
      handler: async (request, reply) => {
        const { account: accountId } = request.params;
        const { id, amount_cents, reason } = request.body;
        const isNew = await grantCredit(db, clock(), {
          accountId,
          creditId: id,
          amountCents: BigInt(amount_cents),
          actor: actorOf(request),
          reason,
        });
        const credit_cents = await creditOf(db, accountId);
        return await reply.status(isNew ? 201 : 200).send({ id, amount_cents, credit_cents });
      },
    });
  };
}

async function creditOf(db: Db, accountId: string): Promise<number> {
  const balances = await balancesOf(db, [accountId]);
  return toCents(balances.get(accountId)!.credit);
}
