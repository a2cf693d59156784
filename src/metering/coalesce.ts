import type { Outcome } from '../events/outcome.ts';
import type { RecordEvents } from './record-events.ts';

type Waiting = {
  readonly now: Date;
  readonly reported: readonly unknown[];
  readonly resolve: (outcomes: readonly Outcome[]) => void;
  readonly reject: (error: unknown) => void;
};

/** Enough to spread the cost of a commit; more only makes a batch's transaction longer. */
const MAX_BATCH = 1000;

/**
 * Groups concurrent recordings into one commit: while a batch is being committed the next ones gather, so an
 * idle meter adds no delay and a busy one commits hundreds of events at once. Each call settles after the
 * commit that holds its events. When a batch fails, each call's events are tried alone, so that one call's
 * trouble stays its own.
 */
export function coalesced(record: RecordEvents): RecordEvents {
  let waiting: Waiting[] = [];
  let isFlushing = false;

  const flush = async (): Promise<void> => {
    isFlushing = true;
    while (waiting.length > 0) {
      const batch = takeBatch();
      await recordTogether(batch).catch(async () => await recordEach(batch));
    }
    isFlushing = false;
  };

  const takeBatch = (): Waiting[] => {
    let size = 0;
    const count = waiting.findIndex(({ reported }, index) => {
      size += reported.length;
      return size > MAX_BATCH && index > 0;
    });
    const batch = count === -1 ? waiting : waiting.slice(0, count);
    waiting = count === -1 ? [] : waiting.slice(count);
    return batch;
  };

  const recordTogether = async (batch: readonly Waiting[]): Promise<void> => {
    const outcomes = await record(
      batch.at(-1)!.now,
      batch.flatMap(({ reported }) => reported),
    );
    let from = 0;
    for (const { reported, resolve } of batch) {
      resolve(outcomes.slice(from, from + reported.length));
      from += reported.length;
    }
  };

  const recordEach = async (batch: readonly Waiting[]): Promise<void> => {
    for (const { now, reported, resolve, reject } of batch) {
      await record(now, reported).then(resolve, reject);
    }
  };

  return async (now, reported) =>
    await new Promise((resolve, reject) => {
      waiting.push({ now, reported, resolve, reject });
      if (!isFlushing) void flush();
    });
}
