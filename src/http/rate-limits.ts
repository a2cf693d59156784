import rateLimit, { normalizeIP } from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Fault } from '../values/fault.ts';

/** Requests per minute. */
export type RateLimits = {
  /** Of each operator's key: high, so that only a runaway client meets it. */
  readonly operatorKey: number;
  readonly accountKey: number;
  /** Of each address with a missing or wrong key; good keys of the same address are not counted. */
  readonly refusedAddress: number;
};

/** IPv6 customers get whole networks of this size. */
const IPV6_SUBNET_BITS = 64;

/**
 * Makes limiters possible on `server`; counters are shared through `redis` (an ioredis client) when given,
 * else each process counts for itself. When Redis does not answer, nothing is limited. Single routes can be limited by
 * their config (`config: { rateLimit: { max, timeWindow, keyGenerator } }`).
 */
export async function addRateLimits(server: FastifyInstance, redis: unknown): Promise<void> {
  await server.register(rateLimit, {
    global: false,
    skipOnError: true,
    nameSpace: 'gigameter-rate-',
    keyGenerator: addressOf,
    errorResponseBuilder: (_request, { ttl }) => tooMany(Math.ceil(ttl / 1000)),
    ...(redis === undefined ? {} : { redis }),
  });
}

export function addressOf(request: FastifyRequest): string {
  return normalizeIP(request.ip, IPV6_SUBNET_BITS);
}

export type Limiter = (request: FastifyRequest) => Promise<void>;

/** Counts requests by a key, and throws Fault `rate_limited` beyond `max` of them within a minute. */
export function limiter(
  server: FastifyInstance,
  name: string,
  max: number,
  keyOf: (request: FastifyRequest) => string,
): Limiter {
  const count = server.createRateLimit({
    max,
    timeWindow: 60_000,
    keyGenerator: (request) => `${name}:${keyOf(request)}`,
  });
  return async (request) => {
    const counted = await count(request);
    if (!counted.isAllowed && counted.isExceeded) throw tooMany(counted.ttlInSeconds);
  };
}

function tooMany(seconds: number): Fault {
  const message = `too many requests: please wait ${seconds} seconds`;
  return new Fault('limited', 'rate_limited', message, seconds);
}
