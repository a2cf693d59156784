import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { issueAccountKey } from '../../accounts/api-key-store.ts';
import { requireFreeEmail } from '../../login/login-store.ts';
import { signUp } from '../../login/sign-up.ts';
import {
  completeSignUp,
  confirmSignUp,
  openSignedUp,
  setSignUpPassword,
  startSignUp,
} from '../../login/stepped-sign-up.ts';
import { recordUpgrade } from '../../platform/account-commands.ts';
import { setPaymentMethod } from '../../stripe/cards/set-payment-method.ts';
import { upgradeAccount } from '../../stripe/cards/upgrade-account.ts';
import { Fault } from '../../values/fault.ts';
import { answer, owner, signUpStep } from './answers.ts';
import { publicLimiter } from './credentials.ts';
import type { ApiDependencies } from './dependencies.ts';
import { email, password, token } from './schemas.ts';

const uuid = z.uuid({ error: 'must be the uuid of the first step' });

/** One call per step; each is known by what it brings. */
const step = z.union(
  [
    z.strictObject({ email }),
    z.strictObject({ confirmation_code: token, uuid }),
    z.strictObject({ password, uuid }),
    z.strictObject({ promo_code: token, uuid }),
    z.strictObject({ stripe_token: token, uuid }),
    z.strictObject({ tier: z.enum(['FREE', 'STANDARD']), uuid }),
  ],
  {
    error:
      'must be one of {email}, {confirmation_code, uuid}, {password, uuid}, {promo_code, uuid}, {stripe_token, uuid}, {tier, uuid}',
  },
);

/** Release 0.15.0 signs up in one call, today's release in steps. Nobody is logged in. */
export function signUpRoutes(dependencies: ApiDependencies): FastifyPluginAsyncZod {
  const { commands, openStripe, rateLimits } = dependencies;
  const { db } = commands;
  return async (server) => {
    const countAddress = publicLimiter(server, rateLimits);
    server.addHook('onRequest', countAddress);
    server.route({
      method: 'GET',
      url: '/validate_email',
      config: { errorsAsList: true },
      schema: { querystring: z.strictObject({ email }), response: answer(owner) },
      handler: async ({ query }) => {
        await requireFreeEmail(db, query.email);
        return { data: { email: query.email } };
      },
    });
    server.route({
      method: 'POST',
      url: '/free_users',
      schema: { body: z.strictObject({ email, password }), response: answer(owner) },
      handler: async ({ body }) => {
        await signUp(commands, body);
        return { data: { email: body.email } };
      },
    });
    server.route({
      method: 'POST',
      url: '/signup',
      schema: { body: step, response: answer(signUpStep) },
      handler: async ({ body }) => {
        if ('email' in body) {
          const { signUpId } = await startSignUp(commands, body.email);
          return { data: { uuid: signUpId } };
        }
        if ('confirmation_code' in body) {
          await confirmSignUp(commands, body.uuid, body.confirmation_code);
        } else if ('password' in body) {
          await setSignUpPassword(commands, body.uuid, body.password);
        } else if ('promo_code' in body) {
          throw unknownPromoCode();
        } else if ('stripe_token' in body) {
          // A card belongs to an account, which is made here when it is asked for.
          const { accountId } = await openSignedUp(commands, body.uuid);
          const source = { token: body.stripe_token };
          await setPaymentMethod(openStripe(), { accountId, source });
        } else {
          return { data: await complete(dependencies, body.uuid, body.tier) };
        }
        return { data: { uuid: body.uuid } };
      },
    });
  };
}

async function complete(
  { commands }: ApiDependencies,
  signUpId: string,
  tier: 'FREE' | 'STANDARD',
): Promise<{ email: string; key: string }> {
  const { db, clock } = commands;
  const { accountId, email: address } = await openSignedUp(commands, signUpId);
  if (tier === 'STANDARD') {
    const upgrade = {
      db,
      clock,
      recordUpgrade: async () => await recordUpgrade(commands, accountId),
    };
    // Repeated after it was cut off, the account may be upgraded already.
    await upgradeAccount(upgrade, accountId).catch((error: unknown) => {
      if (!(error instanceof Fault && error.code === 'already_upgraded')) throw error;
    });
  }
  await completeSignUp(commands, signUpId);
  const { secret } = await issueAccountKey(db, clock(), accountId, 'sign-up');
  return { email: address, key: secret };
}

export function unknownPromoCode(): Fault {
  return new Fault('invalid', 'promo_code_unknown', 'is not known: credits are granted by us');
}
