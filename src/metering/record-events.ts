import { lockAccounts } from '../accounts/lock.ts';
import type { Db } from '../database/pool.ts';
import { refused, type Outcome } from '../events/outcome.ts';
import type { EventParser } from '../events/parse-event.ts';
import { quarantine } from '../events/quarantine.ts';
import { settleEvents } from './settle-events.ts';

export type RecordEvents = (now: Date, reported: readonly unknown[]) => Promise<readonly Outcome[]>;

/**
 * The one way in for events (D8): records a batch in one transaction and folds it into the meter. Answers
 * what became of each event, in order. Bad content never fails the batch: it is refused and kept in
 * quarantine, and the rest is recorded. Rejects only when the database fails; then nothing was recorded.
 * Safe to repeat, and to run anywhere at once.
 */
export function eventRecorder({ db, parse }: { db: Db; parse: EventParser }): RecordEvents {
  return async (now, reported) => {
    const parsed = reported.map((one) => parse(one, now));
    const valid = parsed.flatMap((one, index) =>
      one.ok ? [{ event: one.event, reported: reported[index] }] : [],
    );
    const invalid = parsed.flatMap((one, index) =>
      one.ok ? [] : [{ refusal: one.refusal, reported: reported[index] }],
    );
    const settled = await db
      .transaction()
      .setIsolationLevel('read committed')
      .execute(async (tx) => {
        await lockAccounts(tx, [...new Set(valid.map(({ event }) => event.account))]);
        await quarantine(tx, now, invalid);
        return await settleEvents({ tx, now, parse }, valid);
      });
    const rest = settled.values();
    return parsed.map((one) => (one.ok ? rest.next().value! : refused(one.refusal)));
  };
}
