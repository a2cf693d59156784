import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config.ts';
import type { Db } from '../database/pool.ts';
import { openGateway, type Gateway } from '../stripe/gateway.ts';
import { limitGateway } from '../stripe/rate-limit.ts';
import type { Clock } from '../values/clock.ts';

/** Stripe itself takes 100 calls a second live and 25 in a sandbox, and others use the same account. */
const LIVE_CALLS_PER_SECOND = 60;
const SANDBOX_CALLS_PER_SECOND = 20;

/** Stripe behind a key, below the rates of the settings over all processes together. */
export function stripeGateway(
  { callsPerSecond, endpointCallsPerSecond, apiBase }: Config['stripe'],
  apiKey: string,
  { db, clock }: { readonly db: Db; readonly clock: Clock },
): Gateway {
  const gateway = openGateway({ apiKey, ...(apiBase === undefined ? {} : { apiBase }) });
  return limitGateway(gateway, {
    db,
    clock,
    wait: async (ms) => await sleep(ms),
    totalPerSecond:
      callsPerSecond ?? (isLiveKey(apiKey) ? LIVE_CALLS_PER_SECOND : SANDBOX_CALLS_PER_SECOND),
    endpointPerSecond: endpointCallsPerSecond,
  });
}

export function isLiveKey(apiKey: string): boolean {
  return /^[sr]k_live_/.test(apiKey);
}
