import type { EventParser } from '../events/parse-event.ts';
import { limitsWatch } from '../limits/watch-limits.ts';
import { recorderWithin, type Recording } from '../metering/record-events.ts';
import { factsFollower } from './follow-facts.ts';

/**
 * How a service records events, whoever reports them: what exceeds limits is noted, and what is desired
 * follows. One for each process, so that what it remembers of accounts is shared.
 */
export function platformRecording(parse: EventParser): Recording {
  const watch = limitsWatch();
  const follow = factsFollower(recorderWithin({ parse, afterRecording: watch }));
  return {
    parse,
    afterRecording: async (tx, now, recorded) => {
      await watch(tx, now, recorded);
      await follow(tx, now, recorded);
    },
  };
}
