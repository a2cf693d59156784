import type { z } from 'zod';
import { isIdentifier } from '../values/identifier.ts';
import { toSecond, type Second } from '../values/instant.ts';
import { shorten, showValue, valueAt } from '../values/show-value.ts';
import type { Event } from './event.ts';
import type { Refusal } from './refusal.ts';
import { eventSchema } from './schema.ts';
import { toEvent } from './to-event.ts';

export type ParsedEvent =
  { readonly ok: true; readonly event: Event } | { readonly ok: false; readonly refusal: Refusal };

export type EventParser = (reported: unknown, now: Date) => ParsedEvent;

/** Clocks of reporting machines may run ahead by this much. */
const MAX_AHEAD_SECONDS = 300n;
/** Times before this come from unset clocks. */
const EARLIEST: Second = 946_684_800n;

/** Builds a parser once; the schema is costly to build and cheap to use. `maxReplicas` is per app (R9). */
export function eventParser(maxReplicas: number): EventParser {
  const schema = eventSchema(maxReplicas);
  return (reported, now) => {
    const parsed = schema.safeParse(reported);
    if (!parsed.success) return { ok: false, refusal: firstRefusal(parsed.error, reported) };
    const event = toEvent(parsed.data);
    const refusal = refusalOfTimes(event, reported, now);
    return refusal === undefined ? { ok: true, event } : { ok: false, refusal };
  };
}

/** A field by its path. Names that no field of ours could have are shown as values are. */
function showField(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'event';
  return path.map((key) => (isIdentifier(key) ? shorten(key) : showValue(key))).join('.');
}

/** Of all that is said to have become true at an instant: what is true instead of an earlier event, too. */
function refusalOfTimes(
  { occurredAt, fact }: Event,
  reported: unknown,
  now: Date,
): Refusal | undefined {
  const rule = timeRule(occurredAt.second, now);
  if (rule !== undefined) return refusalOf(['time'], reported, rule);
  if (fact.type !== 'event.superseded' || fact.instead?.occurredAt === undefined) return undefined;
  const insteadRule = timeRule(fact.instead.occurredAt.second, now);
  if (insteadRule === undefined) return undefined;
  return refusalOf(['data', 'instead', 'time'], reported, insteadRule);
}

/** What is right instead of an instant that cannot be; undefined when it can. */
function timeRule(at: Second, now: Date): string | undefined {
  if (at < EARLIEST) return 'must be not before 2000-01-01T00:00:00Z';
  if (at <= toSecond(now) + MAX_AHEAD_SECONDS) return undefined;
  return `must be not more than 5 minutes ahead of the meter's clock, ${now.toISOString()}`;
}

function firstRefusal(error: z.ZodError, reported: unknown): Refusal {
  const issue = error.issues[0]!;
  const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]!] : issue.path;
  return refusalOf(path, reported, issue.message);
}

function refusalOf(path: readonly PropertyKey[], reported: unknown, rule: string): Refusal {
  const value = showValue(valueAt(reported, path));
  return { code: 'invalid_event', field: showField(path), value, rule };
}
