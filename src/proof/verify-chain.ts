import { sealsOf, toLinks } from './chain-store.ts';
import { linkAfter, NO_LINK, type Link } from './event-chain.ts';
import type { Facts } from './facts.ts';
import { isAfter, placesOf, type ReadPlace } from './read-chain.ts';

/** Where the events no longer are what was sealed. */
export type ChainBreak = {
  readonly kind: 'changed' | 'missing' | 'added';
  /**
   * The event, or the one that follows where nothing is known of it any more; undefined at the end of a seal, and
   * where archived events are not as many as have left.
   */
  readonly event: { readonly source: string; readonly id: string } | undefined;
  /** Its place in the chain, from 1 on. */
  readonly position: bigint;
};

export type ChainReport = {
  readonly sealedCount: bigint;
  /** The first few; one is enough to distrust the rest of its seal. */
  readonly breaks: readonly ChainBreak[];
  /** The last link by recording, to hold against the heads invoices carry. */
  readonly headAt: (recording: bigint) => Link | undefined;
};

const MAX_BREAKS = 10;

/**
 * Recomputes the chain of an account from its facts as they are now and compares each link with the sealed
 * one: a single changed byte is found and its event named. An event that is archived and was not read takes
 * its link from the seal; no more may miss than left with its month. Reads seal by seal, in bounded memory but
 * for the places of the seals.
 */
export async function verifyChain(facts: Facts): Promise<ChainReport> {
  const left = new Map(facts.missing?.months.map(({ month, events }) => [month, events]));
  const breaks: ChainBreak[] = [];
  const ends: { readonly recording: bigint; readonly link: Link }[] = [];
  let head = NO_LINK;
  let sealedCount = 0n;
  const places = placesOf(facts);
  let next = (await places.next()).value;
  for await (const { links: sealed, last, sealedCount: count } of sealsOf(
    facts.tx,
    facts.account,
  )) {
    const links = toLinks(sealed);
    const ofSeal: ReadPlace[] = [];
    for (; next !== undefined && !isAfter(next, last); next = (await places.next()).value) {
      if (next.event === undefined && left.has(next.month)) {
        left.set(next.month, left.get(next.month)! - 1n);
      }
      if (ofSeal.length < links.length + MAX_BREAKS) ofSeal.push(next);
    }
    const found = compareSeal(facts.account, head, links, ofSeal, left);
    breaks.push(...found.map((one) => ({ ...one, position: sealedCount + one.position })));
    head = links.at(-1)!;
    ends.push({ recording: last.recording, link: head });
    sealedCount = count;
  }
  for (const count of left.values()) {
    if (count === 0n) continue;
    const kind = count < 0n ? 'missing' : 'added';
    breaks.push({ kind, event: undefined, position: sealedCount });
  }
  const headAt = (recording: bigint): Link | undefined =>
    ends.findLast((end) => end.recording <= recording)?.link ?? NO_LINK;
  return { sealedCount, breaks: breaks.slice(0, MAX_BREAKS), headAt };
}

/** Purely: walks links and places side by side; positions count from 1 within the seal. */
function compareSeal(
  account: string,
  before: Link,
  links: readonly Link[],
  places: readonly ReadPlace[],
  archived: ReadonlyMap<string, unknown>,
): ChainBreak[] {
  const breaks: ChainBreak[] = [];
  const previous = (index: number): Link => (index === 0 ? before : links[index - 1]!);
  const fits = (index: number, place: ReadPlace | undefined): boolean => {
    if (place === undefined || index === links.length) return false;
    if (place.event === undefined) return archived.has(place.month);
    return links[index] === linkAfter(previous(index), account, place.event);
  };
  let at = 0;
  for (let index = 0; index < links.length; index += 1) {
    const place = places[at];
    const event = place && { source: place.source, id: place.id };
    const position = BigInt(index + 1);
    if (fits(index, place)) {
      at += 1;
    } else if (place !== undefined && place.event === undefined) {
      breaks.push({ kind: 'missing', event, position });
      at += 1;
    } else if (place === undefined || fits(index + 1, place)) {
      breaks.push({ kind: 'missing', event, position });
    } else if (fits(index, places[at + 1])) {
      breaks.push({ kind: 'added', event, position });
      at += 2;
    } else {
      breaks.push({ kind: 'changed', event, position });
      at += 1;
    }
    if (breaks.length >= MAX_BREAKS) return breaks;
  }
  for (const { source, id } of places.slice(at)) {
    breaks.push({ kind: 'added', event: { source, id }, position: BigInt(links.length) });
  }
  return breaks;
}
