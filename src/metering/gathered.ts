type Batch<Result> = (now: Date, reported: readonly unknown[]) => Promise<readonly Result[]>;

type Waiting<Result> = {
  readonly now: Date;
  readonly reported: readonly unknown[];
  readonly resolve: (results: readonly Result[]) => void;
  readonly reject: (error: unknown) => void;
};

/** Enough to spread the cost of a commit; more only makes a batch's transaction longer. */
const MAX_BATCH = 1000;

/**
 * Puts concurrent calls together into one: while a batch is under way the next calls gather, so an idle one
 * adds no delay. When a batch fails, each call is tried alone, so that one call's trouble stays its own.
 */
export function gathered<Result>(run: Batch<Result>): Batch<Result> {
  let waiting: Waiting<Result>[] = [];
  let isRunning = false;

  const runAll = async (): Promise<void> => {
    isRunning = true;
    while (waiting.length > 0) {
      const calls = takeCalls();
      await runTogether(calls).catch(async () => await runEach(calls));
    }
    isRunning = false;
  };

  const takeCalls = (): Waiting<Result>[] => {
    let size = 0;
    const count = waiting.findIndex(({ reported }, index) => {
      size += reported.length;
      return size > MAX_BATCH && index > 0;
    });
    const calls = count === -1 ? waiting : waiting.slice(0, count);
    waiting = count === -1 ? [] : waiting.slice(count);
    return calls;
  };

  const runTogether = async (calls: readonly Waiting<Result>[]): Promise<void> => {
    const results = await run(
      calls.at(-1)!.now,
      calls.flatMap(({ reported }) => reported),
    );
    let from = 0;
    for (const { reported, resolve } of calls) {
      resolve(results.slice(from, from + reported.length));
      from += reported.length;
    }
  };

  const runEach = async (calls: readonly Waiting<Result>[]): Promise<void> => {
    for (const { now, reported, resolve, reject } of calls) {
      await run(now, reported).then(resolve, reject);
    }
  };

  return async (now, reported) =>
    await new Promise((resolve, reject) => {
      waiting.push({ now, reported, resolve, reject });
      if (!isRunning) void runAll();
    });
}
