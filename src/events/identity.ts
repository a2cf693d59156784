import type { Event } from './event.ts';
import { tieBreak } from './order.ts';

/** The identity of an event within one account, as a key of maps. */
export function identityOf(event: Pick<Event, 'account' | 'source' | 'id'>): string {
  return JSON.stringify([event.account, event.source, event.id]);
}

/** Whether two reports of one identity say the same: then the second is a harmless repeat (R57). */
export function isSameFact(a: Event, b: Event): boolean {
  return contentOf(a) === contentOf(b);
}

function contentOf(event: Event): string {
  const fact = Object.entries(event.fact).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([event.occurredAt.second, tieBreak(event), fact], (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
}
