import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ApiKey, Scope } from '../../accounts/api-key.ts';
import { findUsableKey } from '../../accounts/api-key-store.ts';
import { unknownAccount } from '../../accounts/require-account.ts';
import type { Db } from '../../database/pool.ts';
import type { Clock } from '../../values/clock.ts';
import { assert, Fault } from '../../values/fault.ts';
import { addressOf, limiter, type RateLimits } from '../rate-limits.ts';

declare module 'fastify' {
  interface FastifyRequest {
    caller: ApiKey | null;
  }
  interface FastifyContextConfig {
    /** What a key must be allowed to do to call this route. */
    scope?: Scope;
  }
}

export type AuthenticationDependencies = {
  /** For keys alone: whoever waits for something else must not hold up who they are. */
  readonly keysDb: Db;
  readonly clock: Clock;
  readonly rateLimits: RateLimits;
};

/**
 * Lets only good keys through, to what their scopes allow, at their rate; and an account's key only to its
 * own account: all others are as unknown to it as those that do not exist. Holds for every route of `server`,
 * each of which must say its scope.
 */
export function requireKeys(
  server: FastifyInstance,
  { keysDb, clock, rateLimits }: AuthenticationDependencies,
): void {
  const { refusedAddress, operatorKey, accountKey } = rateLimits;
  const countRefused = limiter(server, 'refused', refusedAddress, addressOf);
  const countOperator = limiter(server, 'operator', operatorKey, keyIdOf);
  const countAccount = limiter(server, 'account', accountKey, keyIdOf);

  server.decorateRequest('caller', null);
  server.addHook('onRoute', ({ method, url, config }) => {
    assert(config?.scope !== undefined, `${String(method)} ${url} says no scope`);
  });
  server.addHook('onRequest', async (request) => {
    const secret = secretOf(request);
    const key = secret === undefined ? undefined : await findUsableKey(keysDb, clock(), secret);
    if (key === undefined) {
      await countRefused(request);
      throw secret === undefined ? noKey() : wrongKey();
    }
    request.caller = key;
    await (key.accountId === undefined ? countOperator(request) : countAccount(request));
    requireOwnAccount(request, key);
    requireScope(request, key);
  });
}

/** The account whose data alone the caller may see; undefined for operators. */
export function ownAccount(request: FastifyRequest): string | undefined {
  return callerOf(request).accountId;
}

/** How the caller is named where who did something is written down. */
export function actorOf(request: FastifyRequest): string {
  return keyIdOf(request);
}

function keyIdOf(request: FastifyRequest): string {
  return callerOf(request).keyId;
}

function callerOf({ caller }: FastifyRequest): ApiKey {
  assert(caller !== null, 'only requests with a key come this far');
  return caller;
}

function secretOf({ headers: { authorization } }: FastifyRequest): string | undefined {
  return /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
}

function requireOwnAccount({ params }: FastifyRequest, { accountId }: ApiKey): void {
  if (accountId === undefined || !isRecord(params) || typeof params.account !== 'string') return;
  if (params.account !== accountId) throw unknownAccount(params.account);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function requireScope({ routeOptions }: FastifyRequest, { scopes }: ApiKey): void {
  const { scope } = routeOptions.config;
  if (scope === undefined || scopes.includes(scope)) return;
  throw new Fault('unauthorized', 'scope_missing', `this needs a key with the scope ${scope}`);
}

function noKey(): Fault {
  const message = 'send an API key: Authorization: Bearer gm_…';
  return new Fault('unauthorized', 'key_missing', message);
}

function wrongKey(): Fault {
  return new Fault('unauthorized', 'key_invalid', 'this API key is unknown, expired or revoked');
}
