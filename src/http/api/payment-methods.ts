import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { findCard, type Card } from '../../stripe/cards/card-setup-store.ts';
import { setPaymentMethod } from '../../stripe/cards/set-payment-method.ts';
import { Fault } from '../../values/fault.ts';
import { answer, card } from './answers.ts';
import { memberOf } from './credentials.ts';
import type { ApiDependencies } from './dependencies.ts';
import { token } from './schemas.ts';

/** The card that is charged; its number never comes here (R36). */
export function paymentMethodRoutes({
  openStripe,
  readAs,
}: ApiDependencies): FastifyPluginAsyncZod {
  return async (server) => {
    server.get('/payment_methods', { schema: { response: answer(card) } }, async (request) => {
      const { id } = memberOf(request);
      const found = await readAs(id, async (db) => await findCard(db, id));
      if (found !== undefined) return { data: toJson(found) };
      // The CLI reads this status as "there is none".
      throw new Fault('not_found', 'no_payment_method', 'The account has no payment method.');
    });
    server.route({
      method: 'PUT',
      url: '/payment_methods',
      schema: { body: z.strictObject({ stripe_token: token }), response: answer(card) },
      handler: async (request) => {
        const { id: accountId } = memberOf(request);
        const source = { token: request.body.stripe_token };
        return { data: toJson(await setPaymentMethod(openStripe(), { accountId, source })) };
      },
    });
  };
}

function toJson({ brand, expMonth, expYear, last4 }: Card) {
  return { brand, exp_month: expMonth, exp_year: expYear, last4 };
}
