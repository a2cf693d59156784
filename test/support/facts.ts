import type { Event, Fact } from '../../src/events/event.ts';
import { parseInstant } from '../../src/values/instant.ts';

let count = 0;

/** An event of account acme as the meter holds it, with an id of its own; later ones have later ids. */
export function event(time: string, fact: Fact, changes: Partial<Event> = {}): Event {
  count += 1;
  return {
    account: 'acme',
    source: 'controller',
    id: `e-${String(count).padStart(6, '0')}`,
    occurredAt: parseInstant(time)!,
    sequence: undefined,
    fact,
    ...changes,
  };
}
