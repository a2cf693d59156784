type Batch<Item, Result> = (now: Date, items: readonly Item[]) => Promise<readonly Result[]>;

type Waiting<Item, Result> = {
  readonly now: Date;
  readonly items: readonly Item[];
  readonly resolve: (results: readonly Result[]) => void;
  readonly reject: (error: unknown) => void;
};

/** Enough to spread the cost of a commit; more only makes a batch's transaction longer. */
const MAX_BATCH = 1000;

/**
 * Puts concurrent calls together into one: while a batch is under way the next calls gather, so an idle one
 * adds no delay. When a batch fails, each call is tried alone, so that one call's trouble stays its own.
 */
export function gathered<Item, Result>(run: Batch<Item, Result>): Batch<Item, Result> {
  let waiting: Waiting<Item, Result>[] = [];
  let isRunning = false;

  const runAll = async (): Promise<void> => {
    isRunning = true;
    while (waiting.length > 0) {
      const calls = takeCalls();
      await runTogether(calls).catch(async () => await runEach(calls));
    }
    isRunning = false;
  };

  const takeCalls = (): Waiting<Item, Result>[] => {
    let size = 0;
    const count = waiting.findIndex(({ items }, index) => {
      size += items.length;
      return size > MAX_BATCH && index > 0;
    });
    const calls = count === -1 ? waiting : waiting.slice(0, count);
    waiting = count === -1 ? [] : waiting.slice(count);
    return calls;
  };

  const runTogether = async (calls: readonly Waiting<Item, Result>[]): Promise<void> => {
    const results = await run(
      calls.at(-1)!.now,
      calls.flatMap(({ items }) => items),
    );
    let from = 0;
    for (const { items, resolve } of calls) {
      resolve(results.slice(from, from + items.length));
      from += items.length;
    }
  };

  const runEach = async (calls: readonly Waiting<Item, Result>[]): Promise<void> => {
    for (const { now, items, resolve, reject } of calls) {
      await run(now, items).then(resolve, reject);
    }
  };

  return async (now, items) =>
    await new Promise((resolve, reject) => {
      waiting.push({ now, items, resolve, reject });
      if (!isRunning) void runAll();
    });
}
