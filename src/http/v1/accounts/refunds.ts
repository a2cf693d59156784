import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { requireAccount } from '../../../accounts/require-account.ts';
import { notYetInvoiced } from '../../../invoicing/previews/not-yet-invoiced.ts';
import { giveMoneyBack, type MoneyBack } from '../../../stripe/refunds/give-money-back.ts';
import type { WaitingContext } from '../../../stripe/under-lease.ts';
import { toSecond } from '../../../values/instant.ts';
import { actorOf } from '../authenticate.ts';
import { moneyBody } from './money-body.ts';
import { accountParams, cents, PROBLEMS, toCents } from '../schemas.ts';

const moneyBack = z
  .object({
    id: z.string(),
    credit_cents: cents.meta({ description: 'given as credit, for what is not invoiced yet' }),
    refunds: z.array(
      z.object({
        refund_id: z.string(),
        invoice_id: z.string(),
        amount_cents: cents,
        state: z.string().meta({
          description: 'planned (made as soon as Stripe answers), pending, done or failed',
        }),
        reason: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'MoneyBack' });

/** POST /v1/accounts/{account}/refunds: money back within its limits (R41). */
export function refundRoutes({
  openStripe,
}: {
  readonly openStripe: () => WaitingContext;
}): FastifyPluginAsyncZod {
  return async (server) => {
    server.route({
      method: 'POST',
      url: '/accounts/:account/refunds',
      config: { scope: 'billing' },
      schema: {
        operationId: 'giveMoneyBack',
        tags: ['Money'],
        summary: 'Give money back: refunds of payments, credit for what is not invoiced yet',
        description:
          'Within 31 days of the first upgrade, at most $75 per account and never more than was paid or ' +
          'is due. One per `id`: repeating it changes nothing and shows how far it is.',
        params: accountParams,
        body: moneyBody,
        response: { 200: moneyBack, ...PROBLEMS },
      },
      handler: async (request) => {
        const { account: accountId } = request.params;
        const { id, amount_cents, reason } = request.body;
        const context = openStripe();
        const { clock } = context;
        const given = await giveMoneyBack(
          {
            ...context,
            notYetInvoiced: async (tx) =>
              await notYetInvoiced(tx, await requireAccount(tx, accountId), toSecond(clock())),
          },
          {
            accountId,
            moneyBackId: id,
            amountCents: BigInt(amount_cents),
            actor: actorOf(request),
            reason,
          },
        );
        return toJson(id, given);
      },
    });
  };
}

function toJson(id: string, { creditCents, refunds }: MoneyBack): z.output<typeof moneyBack> {
  return {
    id,
    credit_cents: toCents(creditCents),
    refunds: refunds.map(({ refundId, invoiceId, amountCents, state, reason }) => ({
      refund_id: refundId,
      invoice_id: invoiceId,
      amount_cents: toCents(amountCents),
      state,
      reason,
    })),
  };
}
