import { compareBytes } from '../values/text.ts';
import type { Event } from './event.ts';

/**
 * The order of events within one second, as text that compares byte by byte: the fraction of the second,
 * then the sequence. Digits compare as numbers (their length goes first) and come before other texts; no
 * sequence comes first. '' for the usual event with neither keeps the index small.
 */
export function tieBreak(event: Pick<Event, 'occurredAt' | 'sequence'>): string {
  const { fraction } = event.occurredAt;
  if (fraction === '' && event.sequence === undefined) return '';
  return `${fraction} ${event.sequence === undefined ? '' : sequenceKey(event.sequence)}`;
}

/** The fraction and sequence a tie-break was made from; leading zeros of a sequence are gone. */
export function readTieBreak(tie: string): { fraction: string; sequence: string | undefined } {
  const [fraction = '', ...rest] = tie.split(' ');
  const key = rest.join(' ');
  if (key === '') return { fraction, sequence: undefined };
  return { fraction, sequence: key.startsWith('d') ? key.slice(4) : key.slice(1) };
}

function sequenceKey(sequence: string): string {
  if (!/^\d+$/.test(sequence)) return `t${sequence}`;
  const digits = sequence.replace(/^0+(?=\d)/, '');
  return `d${String(digits.length).padStart(3, '0')}${digits}`;
}

/** The total order of an account's events: instant, sequence, id, source. The same in SQL and here. */
export function compareEvents(a: Event, b: Event): number {
  if (a.occurredAt.second !== b.occurredAt.second) {
    return a.occurredAt.second < b.occurredAt.second ? -1 : 1;
  }
  return (
    compareBytes(tieBreak(a), tieBreak(b)) ||
    compareBytes(a.id, b.id) ||
    compareBytes(a.source, b.source)
  );
}
