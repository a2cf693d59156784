import { eventParser } from '../../src/events/parse-event.ts';
import type { Refusal } from '../../src/events/refusal.ts';
import { VALID } from './valid-reports.ts';

export const parse = eventParser(1000);
export const now = new Date('2026-02-01T12:00:00Z');

/** Why a report is refused at `now`; throws when it is taken. */
export function refusalOf(reported: unknown): Refusal {
  const parsed = parse(reported, now);
  if (parsed.ok) throw new Error(`taken: ${JSON.stringify(reported)}`);
  return parsed.refusal;
}

/** As it arrives: text that was JSON. Only so can a key be named __proto__. */
export function arriving(json: string): unknown {
  return JSON.parse(json) as unknown;
}

export const TYPES = [...VALID.map(({ type }) => type), 'event.superseded'].join(', ');
export const IDENTIFIER = 'must be 1 to 200 printable characters without control characters';
export const SHORT_IDENTIFIER = `${IDENTIFIER}, at most 300 bytes in UTF-8`;
export const INSTANT =
  'must be an RFC 3339 instant with a zone, such as 2026-01-10T00:00:00Z or 2026-01-10T01:00:00.25+01:00';
export const APP_SIZE = 'must be a number from 0.2 to 16 in steps of 0.1';
export const DATABASE_SIZE = 'must be one of 0.6, 1.7, 4, 8, 16, 32, 64, 128';
export const REPLICAS = 'must be a whole number from 0 to 1000';
export const ROWS = 'must be a whole number from 0 to 1000000000000000';
