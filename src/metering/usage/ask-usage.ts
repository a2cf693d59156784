import type { Db } from '../../database/pool.ts';
import { usageOf } from './usage-store.ts';
import type { Usage, Window } from './usage.ts';

/** What somebody wants to know of an account's usage, and what it comes to once that is read. */
export type UsageQuestion<Answer> = {
  readonly windows: readonly Window[];
  /** Gets the usage of each window, in their order. */
  readonly answer: (usages: readonly Usage[]) => Answer;
};

export async function askUsage<Answer>(
  db: Db,
  accountId: string,
  { windows, answer }: UsageQuestion<Answer>,
): Promise<Answer> {
  return answer(
    await usageOf(
      db,
      windows.map(({ from, to }) => ({ account: accountId, from, to })),
    ),
  );
}

/** Two questions as one, so that one statement reads what both need. */
export function together<One, Other>(
  one: UsageQuestion<One>,
  other: UsageQuestion<Other>,
): UsageQuestion<readonly [One, Other]> {
  const count = one.windows.length;
  return {
    windows: [...one.windows, ...other.windows],
    answer: (usages) => [one.answer(usages.slice(0, count)), other.answer(usages.slice(count))],
  };
}
