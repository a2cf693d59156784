import { LeaseLost } from '../lease.ts';
import type { StripeContext } from '../operation.ts';
import { Unanswered } from '../read.ts';
import {
  claimEvents,
  finishEvents,
  postponeEvents,
  type NewsOutcome,
  type StoredEvent,
} from './event-store.ts';
import { routeOf } from './routes.ts';

export type Processed = {
  readonly processed: number;
  readonly postponed: number;
  readonly byOutcome: Readonly<Record<string, number>>;
};

/**
 * Works through stored events. Neither their content nor their order decides anything: each object they
 * are about is read from Stripe once per batch, however many events there are of it, and ours follows,
 * forward only. Safe to repeat and to run in many processes.
 */
export async function processStripeEvents(
  context: StripeContext,
  { limit = 200, concurrency = 4 }: { readonly limit?: number; readonly concurrency?: number } = {},
): Promise<Processed> {
  const byOutcome: Record<string, number> = {};
  let processed = 0;
  let postponed = 0;
  const queue = bySubject(await claimEvents(context.db, context.clock(), limit));
  const processNext = async (events: readonly StoredEvent[]): Promise<void> => {
    const outcome = await processSubject(context, events);
    const ids = events.map(({ id }) => id);
    if (typeof outcome === 'string') {
      await finishEvents(context.db, context.clock(), ids, outcome);
      byOutcome[outcome] = (byOutcome[outcome] ?? 0) + ids.length;
      processed += ids.length;
    } else {
      const at = new Date(context.clock().getTime() + pauseMs(events));
      await postponeEvents(context.db, at, ids, outcome.again);
      postponed += ids.length;
    }
  };
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift())
      await processNext(next);
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return { processed, postponed, byOutcome };
}

async function processSubject(
  context: StripeContext,
  events: readonly StoredEvent[],
): Promise<NewsOutcome> {
  const [first] = events;
  if (first === undefined) return 'nothing';
  const route = routeOf(first);
  if (route === undefined) return 'ignored';
  try {
    return await route.handle(context, first);
  } catch (error) {
    if (error instanceof Unanswered || error instanceof LeaseLost) return { again: error.message };
    // One event that breaks us must not hold up all others; it comes again and again until mended.
    return { again: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
  }
}

function bySubject(events: readonly StoredEvent[]): StoredEvent[][] {
  const groups = new Map<string, StoredEvent[]>();
  for (const event of events) {
    const key = routeOf(event)?.key ?? event.id;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [event]);
    else group.push(event);
  }
  return [...groups.values()];
}

/** 2 s, doubled per try, at most an hour. */
function pauseMs(events: readonly StoredEvent[]): number {
  const attempts = Math.min(...events.map((event) => event.attempts));
  return Math.min(1000 * 2 ** attempts, 3_600_000);
}
