import type { Db } from '../database/pool.ts';
import { assert } from '../values/fault.ts';
import { toJson } from '../values/text.ts';
import type { Requirement } from './admission.ts';
import type { Event } from './event.ts';
import { refused, type Outcome } from './outcome.ts';
import { eventParser } from './parse-event.ts';
import { idReused } from './refusal.ts';
import { isSameFact } from './same-fact.ts';
import { MAX_REPLICAS_CEILING } from './schema.ts';

/** An event with the content it was reported in, which is what people and replays need. */
export type ReportedEvent = { readonly event: Event; readonly reported: unknown };

/**
 * Keeps an event until what it waits for is known (R61). Parking it again changes nothing; other content
 * under an identity that is parked already is refused (R57).
 */
export async function park(
  { tx, now }: { readonly tx: Db; readonly now: Date },
  { event, reported }: ReportedEvent,
  waitsFor: Requirement,
): Promise<Outcome> {
  const identity = { account_id: event.account, source: event.source, event_id: event.id };
  const parked = await tx
    .insertInto('parked_event')
    .values({
      ...identity,
      waits_for: waitsFor.kind,
      name: waitsFor.name,
      reported: toJson(reported)!,
      parked_at: now,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('account_id')
    .executeTakeFirst();
  if (parked !== undefined) return { status: 'parked', waitsFor };
  const first = await tx
    .selectFrom('parked_event')
    .select('reported')
    .where((where) => where.and(identity))
    .executeTakeFirstOrThrow();
  return isSameFact(readParked(first).event, event)
    ? { status: 'parked', waitsFor }
    : refused(idReused(event));
}

/** Whether a report under this identity waits. */
export async function isParked(tx: Db, { account, source, id }: Event): Promise<boolean> {
  const found = await tx
    .selectFrom('parked_event')
    .select('event_id')
    .where('account_id', '=', account)
    .where('source', '=', source)
    .where('event_id', '=', id)
    .executeTakeFirst();
  return found !== undefined;
}

/** Takes out the events that waited for something of an account, for recording them now. */
export async function unpark(
  tx: Db,
  account: string,
  known: Requirement,
): Promise<readonly ReportedEvent[]> {
  const rows = await tx
    .deleteFrom('parked_event')
    .where('account_id', '=', account)
    .where('waits_for', '=', known.kind)
    .where('name', '=', known.name)
    .returning('reported')
    .execute();
  return rows.map(readParked);
}

const parse = eventParser(MAX_REPLICAS_CEILING);
/** The last instant that `Date` knows. */
const END_OF_TIME = new Date(8.64e15);

/** It was taken when it was parked: what the clock and the settings say now does not refuse it. */
function readParked({ reported: text }: { readonly reported: string }): ReportedEvent {
  const reported: unknown = JSON.parse(text);
  const parsed = parse(reported, END_OF_TIME);
  assert(parsed.ok, 'a parked event was valid when it was parked');
  return { event: parsed.event, reported };
}
