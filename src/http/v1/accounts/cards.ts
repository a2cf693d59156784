import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { requireAccount } from '../../../accounts/require-account.ts';
import type { ReadAs } from '../../../database/row-level-security.ts';
import { findCard, type Card } from '../../../stripe/cards/card-setup-store.ts';
import { startCheckout } from '../../../stripe/cards/checkout.ts';
import { setPaymentMethod } from '../../../stripe/cards/set-payment-method.ts';
import type { WaitingContext } from '../../../stripe/under-lease.ts';
import { Fault } from '../../../values/fault.ts';
import { ownAccount } from '../authenticate.ts';
import { accountParams, PROBLEMS } from '../schemas.ts';

const card = z
  .object({
    brand: z.string().nullable().meta({ example: 'visa' }),
    last4: z.string().nullable().meta({ example: '4242' }),
    exp_month: z.number().int().nullable(),
    exp_year: z.number().int().nullable(),
  })
  .meta({ id: 'Card', description: 'all that is kept of a card' });

const cardSource = z.union(
  [
    z.strictObject({ token: z.string().max(255).meta({ example: 'tok_visa' }) }),
    z.strictObject({ payment_method: z.string().max(255).meta({ example: 'pm_card_visa' }) }),
  ],
  { error: 'must be {"token": "tok_…"} or {"payment_method": "pm_…"}' },
);

const backUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http or https address' })
  .max(2000)
  .meta({ example: 'https://platform.example/billing' });

/** The card of an account: numbers never come here, only what Stripe made of them (R36, R37). */
export function cardRoutes({
  readAs,
  openStripe,
}: {
  readonly readAs: ReadAs;
  readonly openStripe: () => WaitingContext;
}): FastifyPluginAsyncZod {
  return async (server) => {
    const common = { tags: ['Money'], params: accountParams };
    server.route({
      method: 'GET',
      url: '/accounts/:account/payment-method',
      config: { scope: 'read' },
      schema: {
        ...common,
        operationId: 'getPaymentMethod',
        summary: 'The card that is charged; 404 when there is none',
        response: { 200: card, ...PROBLEMS },
      },
      handler: async (request) => {
        const { account } = request.params;
        const found = await readAs(ownAccount(request), async (db) => {
          await requireAccount(db, account);
          return await findCard(db, account);
        });
        if (found !== undefined) return toJson(found);
        const message = `account ${account} has no payment method`;
        throw new Fault('not_found', 'no_payment_method', message);
      },
    });
    server.route({
      method: 'PUT',
      url: '/accounts/:account/payment-method',
      config: { scope: 'billing' },
      schema: {
        ...common,
        operationId: 'setPaymentMethod',
        summary: 'Set or replace the card, by what Stripe made of it in the browser',
        body: cardSource,
        response: { 200: card, ...PROBLEMS },
      },
      handler: async ({ params: { account: accountId }, body }) => {
        const source =
          'token' in body ? { token: body.token } : { paymentMethodId: body.payment_method };
        return toJson(await setPaymentMethod(openStripe(), { accountId, source }));
      },
    });
    server.route({
      method: 'POST',
      url: '/accounts/:account/checkout-sessions',
      config: { scope: 'billing' },
      schema: {
        ...common,
        operationId: 'startCheckout',
        summary: "A page of Stripe's on which the owner sets a card",
        body: z.strictObject({ success_url: backUrl, cancel_url: backUrl }),
        response: { 201: z.object({ url: z.string() }), ...PROBLEMS },
      },
      handler: async ({ params: { account: accountId }, body }, reply) => {
        const urls = { successUrl: body.success_url, cancelUrl: body.cancel_url };
        const { url } = await startCheckout(openStripe(), { accountId, urls });
        return await reply.status(201).send({ url });
      },
    });
  };
}

function toJson({ brand, last4, expMonth, expYear }: Card): z.output<typeof card> {
  return { brand, last4, exp_month: expMonth, exp_year: expYear };
}
