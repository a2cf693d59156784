import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TransactionBuilder } from 'kysely';
import { lockAccounts, lockFreeAccounts } from '../accounts/lock.ts';
import type { Database, Db } from '../database/pool.ts';
import { refused, type Outcome } from '../events/outcome.ts';
import type { EventParser } from '../events/parse-event.ts';
import { quarantine, type QuarantinedEvent } from '../events/quarantine.ts';
import { newEvent } from './recording/new-event.ts';
import { settleEvents, type AfterRecording, type ReadEvent } from './settle-events.ts';

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

/** A report that was read: an event, or why it is none. */
export type ReadReport = ReadEvent | (QuarantinedEvent & { readonly event?: undefined });

export type RecordRead = (now: Date, read: readonly ReadReport[]) => Promise<readonly Outcome[]>;

/** What became of an event, or that it was not looked at: somebody else holds its account. */
export type Attempted = Outcome | { readonly status: 'busy'; readonly account: string };

export type AttemptRead = (now: Date, read: readonly ReadReport[]) => Promise<readonly Attempted[]>;

type RecordingInto = Recording & { readonly db: Db };

/**
 * The one way in for events (D8): records a batch in one transaction and folds it into the meter. Answers
 * what became of each event, in order. Bad content never fails the batch: it is refused and kept in
 * quarantine, and the rest is recorded. Rejects only when the database fails; then nothing was recorded.
 * Safe to repeat, and to run anywhere at once.
 */
export function eventRecorder(recording: RecordingInto): RecordEvents {
  const record = readRecorder(recording);
  return async (now, reported) =>
    await record(now, await readReports(recording.parse, now, reported));
}

/** The same for reports that were read before, while an earlier batch was written. */
export function readRecorder({ db, ...recording }: RecordingInto): RecordRead {
  return async (now, read) =>
    await begin(db).execute(async (tx) => {
      await lockAccounts(tx, accountsIn(read));
      return await recordRead(recording, tx, now, read);
    });
}

/** The same, but it waits for no account: the events of those that somebody else holds are left out. */
export function readAttempter({ db, ...recording }: RecordingInto): AttemptRead {
  return async (now, read) =>
    await begin(db).execute(async (tx) => {
      const free = new Set(await lockFreeAccounts(tx, accountsIn(read)));
      const isFree = (one: ReadReport): boolean => !isEvent(one) || free.has(one.event.account);
      const recorded = (await recordRead(recording, tx, now, read.filter(isFree))).values();
      return read.map((one) =>
        isEvent(one) && !isFree(one)
          ? { status: 'busy', account: one.event.account }
          : recorded.next().value!,
      );
    });
}

export function recorderWithin(recording: Recording): RecordWithin {
  return async (tx, now, reported) => {
    const read = await readReports(recording.parse, now, reported);
    await lockAccounts(tx, accountsIn(read));
    return await recordRead(recording, tx, now, read);
  };
}

/** Reading so many takes half a millisecond; whoever else is served by this process gets a turn then. */
const READ_IN_A_TURN = 100;

export async function readReports(
  parse: EventParser,
  now: Date,
  reported: readonly unknown[],
): Promise<ReadReport[]> {
  const read: ReadReport[] = [];
  for (const one of reported) {
    if (read.length > 0 && read.length % READ_IN_A_TURN === 0) await nextTurn();
    const parsed = parse(one, now);
    read.push(
      parsed.ok
        ? Object.assign(newEvent(parsed.event), { reported: one })
        : { refusal: parsed.refusal, reported: one },
    );
  }
  return read;
}

function begin(db: Db): TransactionBuilder<Database> {
  return db.transaction().setIsolationLevel('read committed');
}

function isEvent(one: ReadReport): one is ReadEvent {
  return one.event !== undefined;
}

function accountsIn(read: readonly ReadReport[]): string[] {
  return [...new Set(read.filter(isEvent).map(({ event }) => event.account))];
}

/** Needs the lock of all accounts the events are of, taken by an earlier statement of the transaction. */
async function recordRead(
  recording: Recording,
  tx: Db,
  now: Date,
  read: readonly ReadReport[],
): Promise<readonly Outcome[]> {
  await quarantine(
    tx,
    now,
    read.flatMap((one) => (isEvent(one) ? [] : [one])),
  );
  const settled = (await settleEvents({ ...recording, tx, now }, read.filter(isEvent))).values();
  return read.map((one) => (isEvent(one) ? settled.next().value! : refused(one.refusal)));
}
