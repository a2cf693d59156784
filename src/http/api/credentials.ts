import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Account } from '../../accounts/account.ts';
import type { Db } from '../../database/pool.ts';
import {
  authenticateKey,
  authenticatePassword,
  type Credentials,
} from '../../login/authenticate.ts';
import { emailKey } from '../../login/login-store.ts';
import type { Actor } from '../../platform/access.ts';
import type { Clock } from '../../values/clock.ts';
import { assert, Fault } from '../../values/fault.ts';
import { addressOf, limiter, type Limiter, type RateLimits } from '../rate-limits.ts';

declare module 'fastify' {
  interface FastifyRequest {
    member: Account | null;
  }
}

type Dependencies = {
  readonly keysDb: Db;
  readonly clock: Clock;
  readonly rateLimits: RateLimits;
};

/** Guesses of one address' password a minute, wherever they come from. */
const PASSWORDS_PER_EMAIL = 30;

/** Lets only those through who send `email:api_key`, each at the rate of its account. */
export function requireApiKey(
  server: FastifyInstance,
  { keysDb, clock, rateLimits }: Dependencies,
): void {
  const countRefused = limiter(server, 'refused', rateLimits.refusedAddress, addressOf);
  const countAccount = limiter(server, 'api', rateLimits.accountKey, accountIdOf);
  server.decorateRequest('member', null);
  server.addHook('onRequest', async (request) => {
    request.member = await firstOf(credentialsIn(request), async (credentials) =>
      authenticateKey({ db: keysDb, clock }, credentials),
    ).catch(async (error: unknown) => {
      if (error instanceof Fault) await countRefused(request);
      throw error;
    });
    await countAccount(request);
  });
}

/** The account that was logged in to. */
export function memberOf({ member }: FastifyRequest): Account {
  assert(member !== null, 'only requests with a good key come this far');
  return member;
}

export function actorOf(request: FastifyRequest): Actor {
  const { id, email, confirmedAt } = memberOf(request);
  return { accountId: id, email: emailKey(email), isConfirmed: confirmedAt !== undefined };
}

/** Checks `email:password`. Attempts are counted before they are checked: a guess too many is not checked. */
export type CheckPassword = (request: FastifyRequest) => Promise<Account>;

export function passwordCheck(
  server: FastifyInstance,
  { db, rateLimits }: { readonly db: Db; readonly rateLimits: RateLimits },
): CheckPassword {
  const countAddress = publicLimiter(server, rateLimits);
  const countEmail = passwordLimiter(server);
  return async (request) => {
    const credentials = credentialsIn(request);
    await countAddress(request);
    await countEmail(request);
    return await authenticatePassword({ db }, credentials);
  };
}

/** Counts guesses of one account's password. */
export function passwordLimiter(server: FastifyInstance): Limiter {
  return limiter(server, 'password', PASSWORDS_PER_EMAIL, (request) =>
    emailKey(credentialsIn(request).at(-1)?.email ?? ''),
  );
}

/**
 * For routes that ask for no key: they cost us a password hash or somebody a mail, so each counts like several
 * refused requests.
 */
export function publicLimiter(server: FastifyInstance, { refusedAddress }: RateLimits): Limiter {
  return limiter(server, 'public', Math.ceil(refusedAddress / 5), addressOf);
}

/** As sent, then percent-decoded: release 1.16.1 of the CLI encodes both parts when it logs in. */
function credentialsIn({ headers: { authorization } }: FastifyRequest): readonly Credentials[] {
  const encoded = /^basic +([A-Za-z0-9+/=_-]+)$/i.exec(authorization ?? '')?.[1];
  const text = encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString();
  const colon = text.indexOf(':');
  // PostgreSQL could not even look for a NUL.
  if (colon === -1 || text.includes('\0')) {
    const message = 'Send your e-mail address and API key: log in first.';
    throw new Fault('unauthorized', 'credentials_missing', message);
  }
  const sent = { email: text.slice(0, colon), secret: text.slice(colon + 1) };
  const decoded = { email: decode(sent.email), secret: decode(sent.secret) };
  if (decoded.email.includes('\0')) return [sent];
  if (decoded.email === sent.email && decoded.secret === sent.secret) return [sent];
  // An encoded address has no @ any more: then the password is encoded as well.
  return sent.email.includes('@') ? [sent, decoded] : [decoded];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A lone % is a part of the password, not of an encoding.
    return text;
  }
}

async function firstOf(
  candidates: readonly Credentials[],
  authenticate: (credentials: Credentials) => Promise<Account>,
): Promise<Account> {
  let refusal: unknown;
  for (const candidate of candidates) {
    try {
      return await authenticate(candidate);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      refusal = error;
    }
  }
  throw refusal;
}

function accountIdOf(request: FastifyRequest): string {
  return memberOf(request).id;
}
