import type { Outcome } from '../events/outcome.ts';
import { groupBy } from '../values/group.ts';
import { atMost } from './at-most.ts';
import { gathered } from './gathered.ts';
import type { AttemptEvents, Attempted, RecordEvents } from './record-events.ts';

/** Accounts that somebody else holds are waited for by so many at once: each of them keeps a connection. */
const MOST_WAITING = 3;

/**
 * Groups concurrent recordings into one commit, so that a busy meter commits hundreds of events at once. No
 * account's events wait for another's: those of an account whose lock somebody else holds, such as a close or
 * a rebuild, leave the batch and are recorded by themselves when it is free. Each call settles after the commits
 * that hold its events.
 */
export function coalesced({
  attempt,
  record,
}: {
  readonly attempt: AttemptEvents;
  readonly record: RecordEvents;
}): RecordEvents {
  const attemptTogether = gathered(attempt);
  const recordInTurn = atMost(MOST_WAITING, record);
  const lanes = new Map<string, { readonly record: RecordEvents; calls: number }>();

  const recordWaiting: RecordEventsOf = async (account, now, reported) => {
    const lane = lanes.get(account) ?? { record: gathered(recordInTurn), calls: 0 };
    lanes.set(account, lane);
    lane.calls += 1;
    try {
      return await lane.record(now, reported);
    } finally {
      lane.calls -= 1;
      if (lane.calls === 0) lanes.delete(account);
    }
  };

  return async (now, reported) => {
    const attempted = await attemptTogether(now, reported);
    const outcomes = attempted.map((one) => (isBusy(one) ? undefined : one));
    const busy = groupBy(
      attempted.flatMap((one, position) => (isBusy(one) ? [{ ...one, position }] : [])),
      ({ account }) => account,
    );
    await Promise.all(
      [...busy].map(async ([account, ofAccount]) => {
        const events = ofAccount.map(({ position }) => reported[position]);
        const recorded = await recordWaiting(account, now, events);
        for (const [index, { position }] of ofAccount.entries())
          outcomes[position] = recorded[index];
      }),
    );
    return outcomes.map((outcome) => outcome!);
  };
}

type RecordEventsOf = (
  account: string,
  ...batch: Parameters<RecordEvents>
) => Promise<readonly Outcome[]>;

type Busy = Exclude<Attempted, Outcome>;

function isBusy(one: Attempted): one is Busy {
  return one.status === 'busy';
}
