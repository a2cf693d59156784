import { addSignals } from '../accounts/signals.ts';
import type { Db } from '../database/pool.ts';
import { eventsByType, type Event } from '../events/event.ts';
import { groupBy } from '../values/group.ts';
import { clearRowLimits, reviewRowLimits } from './row-limit.ts';
import { readSurroundings } from './surroundings.ts';
import { addViolations } from './violation-store.ts';
import { isLevelEvent, violationsOf, type LevelEvent } from './violations.ts';

/** What the recorder calls with freshly recorded events, in their transaction, under the accounts' lock. */
export type WatchLimits = (tx: Db, now: Date, recorded: readonly Event[]) => Promise<void>;

/** More accounts than this are asked about again: the memory stays bounded. */
const MOST_UPGRADED_KEPT = 50_000;

/**
 * Watches what is reported of accounts in the FREE tier: facts beyond a limit are recorded like all others,
 * and leave a violation and a signal (R22); too many rows mark their database (R21).
 *
 * There is no way back from an upgrade (R25), so an account once seen upgraded is remembered, and its levels
 * cost nothing here; those of all others in a batch cost one statement.
 */
export function limitsWatch(): WatchLimits {
  const upgraded = new Set<string>();
  return async (tx, now, recorded) => {
    const of = eventsByType(recorded);
    for (const { account } of of('account.upgraded')) await clearRowLimits(tx, now, account);
    const watched = recorded.filter(({ account }) => !upgraded.has(account));
    const levels = watched.filter(isLevelEvent);
    if (levels.length > 0) {
      const surroundings = await readSurroundings(tx, now, levels);
      await noteViolations(tx, now, levels, surroundings.beside);
      if (upgraded.size >= MOST_UPGRADED_KEPT) upgraded.clear();
      for (const accountId of surroundings.upgraded) upgraded.add(accountId);
    }
    const observed = of('database.rows_observed').filter(({ account }) => !upgraded.has(account));
    if (observed.length > 0) await reviewRowLimits(tx, now, observed);
  };
}

async function noteViolations(
  tx: Db,
  now: Date,
  levels: readonly LevelEvent[],
  beside: Awaited<ReturnType<typeof readSurroundings>>['beside'],
): Promise<void> {
  const violations = levels.flatMap((event) => {
    const around = beside.get(event);
    if (around === undefined) return [];
    const subject = 'database' in event.fact ? event.fact.database : event.fact.app;
    return violationsOf(event, around).map((reason) => ({ ...reason, subject, event }));
  });
  await addViolations(tx, now, violations);
  const byAccount = groupBy(violations, ({ event }) => event.account);
  await addSignals(
    tx,
    now,
    [...byAccount].map(([accountId, ofAccount]) => ({
      accountId,
      kind: 'limit.exceeded',
      details: {
        violations: ofAccount.map(({ code, subject, message }) => ({ code, subject, message })),
      },
    })),
  );
}
