import type { TransactionBuilder } from 'kysely';
import { lockAccounts, lockFreeAccounts } from '../accounts/lock.ts';
import type { Database, Db } from '../database/pool.ts';
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

/** What became of an event, or that it was not looked at: somebody else holds its account. */
export type Attempted = Outcome | { readonly status: 'busy'; readonly account: string };

export type AttemptEvents = (
  now: Date,
  reported: readonly unknown[],
) => Promise<readonly Attempted[]>;

/**
 * The one way in for events (D8): records a batch in one transaction and folds it into the meter. Answers
 * what became of each event, in order. Bad content never fails the batch: it is refused and kept in
 * quarantine, and the rest is recorded. Rejects only when the database fails; then nothing was recorded.
 * Safe to repeat, and to run anywhere at once.
 */
export function eventRecorder({ db, ...recording }: Recording & { readonly db: Db }): RecordEvents {
  return async (now, reported) => {
    const read = readReported(recording.parse, now, reported);
    return await begin(db).execute(async (tx) => {
      await lockAccounts(tx, accountsIn(read));
      return await recordRead(recording, tx, now, read);
    });
  };
}

/** The same, but it waits for no account: the events of those that somebody else holds are left out. */
export function eventAttempter({
  db,
  ...recording
}: Recording & { readonly db: Db }): AttemptEvents {
  return async (now, reported) => {
    const read = readReported(recording.parse, now, reported);
    return await begin(db).execute(async (tx) => {
      const free = new Set(await lockFreeAccounts(tx, accountsIn(read)));
      const isFree = ({ parsed }: Read): boolean => !parsed.ok || free.has(parsed.event.account);
      const recorded = (await recordRead(recording, tx, now, read.filter(isFree))).values();
      return read.map((one) =>
        one.parsed.ok && !isFree(one)
          ? { status: 'busy', account: one.parsed.event.account }
          : recorded.next().value!,
      );
    });
  };
}

function begin(db: Db): TransactionBuilder<Database> {
  return db.transaction().setIsolationLevel('read committed');
}

export function recorderWithin(recording: Recording): RecordWithin {
  return async (tx, now, reported) => {
    const read = readReported(recording.parse, now, reported);
    await lockAccounts(tx, accountsIn(read));
    return await recordRead(recording, tx, now, read);
  };
}

type Read = { readonly reported: unknown; readonly parsed: ParsedEvent };

function readReported(parse: EventParser, now: Date, reported: readonly unknown[]): Read[] {
  return reported.map((one) => ({ reported: one, parsed: parse(one, now) }));
}

function accountsIn(read: readonly Read[]): string[] {
  return [...new Set(read.flatMap(({ parsed }) => (parsed.ok ? [parsed.event.account] : [])))];
}

/** Needs the lock of all accounts the events are of, taken by an earlier statement of the transaction. */
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
  await quarantine(tx, now, invalid);
  const settled = (await settleEvents({ ...recording, tx, now }, valid)).values();
  return read.map(({ parsed }) => (parsed.ok ? settled.next().value! : refused(parsed.refusal)));
}
