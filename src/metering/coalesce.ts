import type { Outcome } from '../events/outcome.ts';
import { groupBy } from '../values/group.ts';
import { atMost } from './at-most.ts';
import { gathered } from './gathered.ts';
import type {
  AttemptRead,
  Attempted,
  ReadReport,
  RecordEvents,
  RecordRead,
} from './record-events.ts';

/** Accounts that somebody else holds are waited for by so many at once: each of them keeps a connection. */
const MOST_WAITING = 3;

/**
 * Groups concurrent recordings into one commit, so that a busy meter commits hundreds of events at once. Reports
 * are read when they arrive, while the database is at work on those before. No account's events wait for
 * another's: those of an account whose lock somebody else holds, such as a close or a rebuild, leave the batch
 * and are recorded by themselves when it is free. Each call settles after the commits that hold its events.
 */
export function coalesced({
  read,
  attempt,
  record,
}: {
  readonly read: (now: Date, reported: readonly unknown[]) => Promise<readonly ReadReport[]>;
  readonly attempt: AttemptRead;
  readonly record: RecordRead;
}): RecordEvents {
  const attemptTogether = gathered(attempt);
  const recordInTurn = atMost(MOST_WAITING, record);
  const lanes = new Map<string, { readonly record: RecordRead; calls: number }>();

  const recordWaiting: RecordReadOf = async (account, now, events) => {
    const lane = lanes.get(account) ?? { record: gathered(recordInTurn), calls: 0 };
    lanes.set(account, lane);
    lane.calls += 1;
    try {
      return await lane.record(now, events);
    } finally {
      lane.calls -= 1;
      if (lane.calls === 0) lanes.delete(account);
    }
  };

  return async (now, reported) => {
    const reports = await read(now, reported);
    const attempted = await attemptTogether(now, reports);
    const outcomes = attempted.map((one) => (isBusy(one) ? undefined : one));
    const busy = groupBy(
      attempted.flatMap((one, position) => (isBusy(one) ? [{ ...one, position }] : [])),
      ({ account }) => account,
    );
    await Promise.all(
      [...busy].map(async ([account, ofAccount]) => {
        const events = ofAccount.map(({ position }) => reports[position]!);
        const recorded = await recordWaiting(account, now, events);
        for (const [index, { position }] of ofAccount.entries())
          outcomes[position] = recorded[index];
      }),
    );
    return outcomes.map((outcome) => outcome!);
  };
}

type RecordReadOf = (
  account: string,
  ...batch: Parameters<RecordRead>
) => Promise<readonly Outcome[]>;

type Busy = Exclude<Attempted, Outcome>;

function isBusy(one: Attempted): one is Busy {
  return one.status === 'busy';
}
