import type { Db } from '../database/pool.ts';
import type { Clock } from '../values/clock.ts';
import { recordDrift, resolveDrift } from './drift.ts';
import type { Answer, Gateway, Request } from './gateway.ts';
import { halve, isVoid, reopen, reserve, shut, type Bucket, type Turn } from './rate-store.ts';

export type RateLimit = {
  readonly db: Db;
  /** The wall clock, also where all else runs on another one: Stripe counts real seconds. */
  readonly clock: Clock;
  readonly wait: (ms: number) => Promise<void>;
  /** Default 60: Stripe takes 100 (25 in a sandbox) and others use the same account. */
  readonly totalPerSecond?: number;
  /** Of one method on one kind of path. Default 15: Stripe takes 25. */
  readonly endpointPerSecond?: number;
  /** A call whose turn is later than this is put off instead. Default 10 s. */
  readonly maxWaitMs?: number;
};

const TOTAL = '*';
/** How long nobody calls after our key was not accepted. */
const SHUT_MS = 60_000;
const KEY_REFUSED = 'stripe_key_refused';

/**
 * A gateway on which all processes together keep below Stripe's rates: each call takes its turn in the
 * database and waits for it outside of any transaction. A 429 halves the rate, which recovers by itself.
 * When Stripe does not accept our key, all stop for a minute, and one alarm is raised.
 */
export function limitGateway(gateway: Gateway, limit: RateLimit): Gateway {
  return {
    send: async (request) => {
      const buckets = bucketsOf(request, limit);
      const turn = await waitForTurn(limit, buckets);
      if (turn.isShut) return { outcome: 'barred', reason: 'Stripe did not accept our key' };
      if (!turn.isGranted) {
        return { outcome: 'limited', reason: 'our own rate limit', retryAfterMs: turn.waitMs };
      }
      const answer = await gateway.send(request);
      await learn(limit, buckets, answer, turn);
      return answer;
    },
  };
}

/** A turn that became void while it was waited for is taken anew, within the same patience. */
async function waitForTurn(
  { db, clock, wait, maxWaitMs = 10_000 }: RateLimit,
  buckets: readonly Bucket[],
): Promise<Turn> {
  const giveUpAt = clock().getTime() + maxWaitMs;
  for (;;) {
    const now = clock();
    const turn = await reserve(db, now, buckets, Math.max(0, giveUpAt - now.getTime()));
    if (!turn.isGranted || turn.waitMs === 0) return turn;
    await wait(turn.waitMs);
    if (!(await isVoid(db, namesOf(buckets), turn))) return turn;
  }
}

async function learn(
  { db, clock }: RateLimit,
  buckets: readonly Bucket[],
  answer: Answer,
  turn: Turn,
): Promise<void> {
  if (answer.outcome === 'limited' && answer.isLockTimeout !== true) {
    const names = namesOf(buckets).filter((name) => isMeant(name, answer.limitedOn));
    await halve(db, clock(), names, turn);
  }
  if (answer.outcome === 'barred') {
    await shut(db, TOTAL, new Date(clock().getTime() + SHUT_MS));
    await recordDrift(db, clock(), [
      {
        accountId: '',
        driftId: KEY_REFUSED,
        kind: KEY_REFUSED,
        cents: 0n,
        details: { reason: answer.reason },
      },
    ]);
  }
  if (turn.wasShut && answer.outcome === 'ok') {
    await reopen(db, TOTAL);
    await resolveDrift(db, clock(), { accountId: '', driftId: KEY_REFUSED });
  }
}

function isMeant(name: string, limitedOn: 'all' | 'endpoint' | undefined): boolean {
  return limitedOn === undefined || (limitedOn === 'all') === (name === TOTAL);
}

function namesOf(buckets: readonly Bucket[]): string[] {
  return buckets.map(({ name }) => name);
}

function bucketsOf({ method, path }: Request, limit: RateLimit): Bucket[] {
  const endpoint = path.replaceAll(/\/[a-z]{2,5}_\w+/g, '/:id');
  return [
    { name: TOTAL, perSecond: limit.totalPerSecond ?? 60, isShared: true },
    { name: `${method} ${endpoint}`, perSecond: limit.endpointPerSecond ?? 15 },
  ];
}
