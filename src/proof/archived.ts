import type { EventType } from '../events/event.ts';
import type { Meter } from '../metering/series/level.ts';
import type { ChainedEvent } from './event-chain.ts';

/** An event as its file has it. */
export type ArchivedEvent = ChainedEvent & {
  readonly type: EventType;
  readonly meter: Meter | null;
  readonly supersededIn: bigint | null;
};

/** Reads an account's events in archived months, those that are still in the database among them. */
export type ReadArchived = (account: string) => Promise<readonly ArchivedEvent[]>;

type Named = { readonly source: string; readonly id: string };

/** Within its account. */
export function nameOf({ source, id }: Named): string {
  return JSON.stringify([source, id]);
}

/** What of the archived events is not in the database any more. */
export function notAmong<T extends Named>(present: readonly Named[], archived: readonly T[]): T[] {
  const there = new Set(present.map(nameOf));
  return archived.filter((event) => !there.has(nameOf(event)));
}
