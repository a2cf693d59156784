import { addSignals } from '../accounts/signals.ts';
import type { Db } from '../database/pool.ts';
import { eventsByType, isEventOf } from '../events/event.ts';
import type { AfterRecording } from '../metering/settle-events.ts';
import { groupBy } from '../values/group.ts';
import { clearRowLimits, reviewRowLimits } from './row-limit.ts';
import { readSurroundings } from './surroundings.ts';
import { addViolations } from './violation-store.ts';
import { isLevelEvent, violationsOf, type LevelEvent } from './violations.ts';

/**
 * Watches what is reported of accounts in the FREE tier: facts beyond a limit are recorded like all others,
 * and leave a violation and a signal (R22); too many rows mark their database (R21). Told of freshly recorded
 * events, in their transaction, under their accounts' locks. Levels of charged accounts cost nothing here; all
 * others in a batch cost one statement.
 */
export const watchLimits: AfterRecording = async (tx, now, recorded, charged) => {
  const of = eventsByType(recorded);
  await clearRowLimits(
    tx,
    now,
    of('account.upgraded').map(({ account }) => account),
  );
  const watched = recorded.filter((event) => !charged.has(event));
  const levels = watched.filter(isLevelEvent);
  if (levels.length > 0) await noteViolations(tx, now, levels);
  const observed = watched.filter(isEventOf('database.rows_observed'));
  if (observed.length > 0) await reviewRowLimits(tx, now, observed);
};

async function noteViolations(tx: Db, now: Date, levels: readonly LevelEvent[]): Promise<void> {
  const beside = await readSurroundings(tx, levels);
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
