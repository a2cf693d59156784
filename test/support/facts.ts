import type { AccountHistory } from '../../src/events/admit-events.ts';
import type { Event, Fact } from '../../src/events/event.ts';
import { parseInstant } from '../../src/values/instant.ts';

let count = 0;

/** Events as they are when none of them is superseded. */
export function historyOf(events: readonly Event[]): AccountHistory {
  const known = events.flatMap(({ fact }) =>
    fact.type === 'database.available' ? [[fact.database, fact.app] as const] : [],
  );
  return { events, appOfDatabase: new Map(known.toReversed()) };
}

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
