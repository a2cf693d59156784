export type VirtualTime = {
  readonly clock: () => Date;
  /** Sleeps in this time only. */
  readonly wait: (ms: number) => Promise<void>;
  /** Runs tasks at once; this time stands still until every one of them sleeps or has ended. */
  readonly runAll: (tasks: readonly (() => Promise<void>)[]) => Promise<void>;
};

/** A time in which a call takes as long as it says, however busy the machine is. */
export function virtualTime(startAt: Date): VirtualTime {
  let nowMs = startAt.getTime();
  let awake = 0;
  let sleepers: { readonly atMs: number; readonly wake: () => void }[] = [];
  const pause = (): void => {
    awake -= 1;
    if (awake > 0) return;
    const [next, ...others] = sleepers.toSorted((a, b) => a.atMs - b.atMs);
    if (next === undefined) return;
    sleepers = others;
    nowMs = Math.max(nowMs, next.atMs);
    awake += 1;
    next.wake();
  };
  return {
    clock: () => new Date(nowMs),
    wait: async (ms) => {
      await new Promise<void>((wake) => {
        sleepers.push({ atMs: nowMs + ms, wake });
        pause();
      });
    },
    runAll: async (tasks) => {
      awake += tasks.length;
      await Promise.all(tasks.map(async (task) => await task().finally(pause)));
    },
  };
}
