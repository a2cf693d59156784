import type { EventParser } from '../events/parse-event.ts';
import { watchLimits } from '../limits/watch-limits.ts';
import { recorderWithin, type Recording } from '../metering/record-events.ts';
import { factsFollower } from './follow-facts.ts';

/** How a service records events, whoever reports them: what exceeds limits is noted, and what is desired follows. */
export function platformRecording(parse: EventParser): Recording {
  const follow = factsFollower(recorderWithin({ parse, afterRecording: watchLimits }));
  return {
    parse,
    afterRecording: async (tx, now, recorded, charged) => {
      await watchLimits(tx, now, recorded, charged);
      await follow(tx, now, recorded);
    },
  };
}
