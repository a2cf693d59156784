import type { Db } from '../database/pool.ts';
import { CHAIN_START, readChain, sealsOf, toLinks, type ChainPlace } from './chain-store.ts';
import { linkAfter, NO_LINK, type ChainedEvent, type Link } from './event-chain.ts';

/** Where the events no longer are what was sealed. */
export type ChainBreak = {
  readonly kind: 'changed' | 'missing' | 'added';
  /** The event that was changed or added, or that follows the missing one; undefined at the end of a seal. */
  readonly event: { readonly source: string; readonly id: string } | undefined;
  /** Its place in the chain, from 1 on. */
  readonly position: bigint;
};

export type ChainReport = {
  readonly sealedCount: bigint;
  readonly head: Link;
  /** The first few; one is enough to distrust the rest of its seal. */
  readonly breaks: readonly ChainBreak[];
  /** The last link by recording, to hold against the heads invoices carry. */
  readonly headAt: (recording: bigint) => Link | undefined;
};

const MAX_BREAKS = 10;

/**
 * Recomputes the chain of an account from its events as they are now and compares each link with the sealed
 * one: a single changed byte is found and its event named. Reads seal by seal, in bounded memory but for
 * the places of the seals.
 */
export async function verifyChain(db: Db, account: string): Promise<ChainReport> {
  const breaks: ChainBreak[] = [];
  const ends: { readonly recording: bigint; readonly link: Link }[] = [];
  let head = NO_LINK;
  let last: ChainPlace = CHAIN_START;
  let sealedCount = 0n;
  for await (const seal of sealsOf(db, account)) {
    const links = toLinks(seal.links);
    const events = await readChain(db, account, last, seal.last, links.length + MAX_BREAKS);
    const found = compareSeal(account, head, links, events);
    breaks.push(...found.map((one) => ({ ...one, position: sealedCount + one.position })));
    head = links.at(-1)!;
    ends.push({ recording: seal.last.recording, link: head });
    last = seal.last;
    sealedCount = seal.sealedCount;
  }
  const headAt = (recording: bigint): Link | undefined =>
    ends.findLast((end) => end.recording <= recording)?.link ?? NO_LINK;
  return { sealedCount, head, breaks: breaks.slice(0, MAX_BREAKS), headAt };
}

/** Purely: walks links and events side by side; positions count from 1 within the seal. */
export function compareSeal(
  account: string,
  before: Link,
  links: readonly Link[],
  events: readonly ChainedEvent[],
): ChainBreak[] {
  const breaks: ChainBreak[] = [];
  const previous = (index: number): Link => (index === 0 ? before : links[index - 1]!);
  const fits = (index: number, event: ChainedEvent | undefined): boolean =>
    event !== undefined && links[index] === linkAfter(previous(index), account, event);
  let at = 0;
  for (let index = 0; index < links.length; index += 1) {
    const event = events[at];
    const position = BigInt(index + 1);
    const named = event && { source: event.source, id: event.id };
    if (fits(index, event)) {
      at += 1;
    } else if (event === undefined || fits(index + 1, event)) {
      breaks.push({ kind: 'missing', event: named, position });
    } else if (fits(index, events[at + 1])) {
      breaks.push({ kind: 'added', event: named, position });
      at += 2;
    } else {
      breaks.push({ kind: 'changed', event: named, position });
      at += 1;
    }
    if (breaks.length >= MAX_BREAKS) return breaks;
  }
  for (const { source, id } of events.slice(at)) {
    breaks.push({ kind: 'added', event: { source, id }, position: BigInt(links.length) });
  }
  return breaks;
}
