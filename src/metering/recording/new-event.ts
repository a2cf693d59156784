import { hash } from 'node:crypto';
import { copyValue as text } from '../../database/copy.ts';
import type { Event } from '../../events/event.ts';
import { toEventRow, type EventRow } from '../series/event-row.ts';

/** An event that is to be recorded, in the shapes that takes: made when it arrives, while others are written. */
export type NewEvent = {
  readonly event: Event;
  readonly row: EventRow;
  /** Account, source and id as columns of COPY. */
  readonly identityText: string;
  /** What it says as columns of COPY, in the order of CONTENT_COLUMNS. */
  readonly contentText: string;
  /** A hash of that, in hex: two reports of one identity that share it say the same (R57). */
  readonly fingerprint: string;
};

export const CONTENT_COLUMNS = 'type, at, tie, meter, resource, app, level, size_tenths, details';

const FINGERPRINT_DIGITS = 32;

/** Fingerprints are kept as long as events, so the text of one and the same fact must never change. */
export function newEvent(event: Event): NewEvent {
  const row = toEventRow(event);
  const { type, at, tie, meter, resource, app, level, sizeTenths, details } = row;
  const contentText =
    `${type}\t${at}\t${text(tie)}\t${text(meter)}\t${text(resource)}\t${text(app)}` +
    `\t${text(level)}\t${text(sizeTenths)}\t${text(details && JSON.stringify(details))}`;
  return {
    event,
    row,
    identityText: `${text(event.account)}\t${text(event.source)}\t${text(event.id)}`,
    contentText,
    fingerprint: hash('sha256', contentText).slice(0, FINGERPRINT_DIGITS),
  };
}
