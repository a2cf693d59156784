import { lockAccounts } from '../accounts/lock.ts';
import type { Db } from '../database/pool.ts';
import { refused, type Outcome } from '../events/outcome.ts';
import type { EventParser, ParsedEvent } from '../events/parse-event.ts';
import { quarantine } from '../events/quarantine.ts';
import { settleEvents, type AfterRecording } from './settle-events.ts';

export type RecordEvents = (now: Date, reported: readonly unknown[]) => Promise<readonly Outcome[]>;

/** The same within a transaction of the caller (READ COMMITTED), for what must change together with events. */
export type RecordWithin = (
  tx: Db,
  now: Date,
  reported: readonly unknown[],
) => Promise<readonly Outcome[]>;

export type Recording = {
  readonly parse: EventParser;
  /** Told of freshly recorded events, in their transaction, under their accounts' locks. */
  readonly afterRecording?: AfterRecording;
};

/**
 * The one way in for events (D8): records a batch in one transaction and folds it into the meter. Answers
 * what became of each event, in order. Bad content never fails the batch: it is refused and kept in
 * quarantine, and the rest is recorded. Rejects only when the database fails; then nothing was recorded.
 * Safe to repeat, and to run anywhere at once.
 */
export function eventRecorder({ db, ...recording }: Recording & { readonly db: Db }): RecordEvents {
  return async (now, reported) => {
    const read = readReported(recording.parse, now, reported);
    return await db
      .transaction()
      .setIsolationLevel('read committed')
      .execute(async (tx) => await recordRead(recording, tx, now, read));
  };
}

export function recorderWithin(recording: Recording): RecordWithin {
  return async (tx, now, reported) =>
    await recordRead(recording, tx, now, readReported(recording.parse, now, reported));
}

type Read = { readonly reported: unknown; readonly parsed: ParsedEvent };

function readReported(parse: EventParser, now: Date, reported: readonly unknown[]): Read[] {
  return reported.map((one) => ({ reported: one, parsed: parse(one, now) }));
}

async function recordRead(
  recording: Recording,
  tx: Db,
  now: Date,
  read: readonly Read[],
): Promise<readonly Outcome[]> {
  const valid = read.flatMap(({ reported, parsed }) =>
    parsed.ok ? [{ event: parsed.event, reported }] : [],
  );
  const invalid = read.flatMap(({ reported, parsed }) =>
    parsed.ok ? [] : [{ refusal: parsed.refusal, reported }],
  );
  await lockAccounts(tx, [...new Set(valid.map(({ event }) => event.account))]);
  await quarantine(tx, now, invalid);
  const settled = (await settleEvents({ ...recording, tx, now }, valid)).values();
  return read.map(({ parsed }) => (parsed.ok ? settled.next().value! : refused(parsed.refusal)));
}
