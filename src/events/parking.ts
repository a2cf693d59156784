import { sql } from 'kysely';
import { textArray } from '../database/arrays.ts';
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

/** Something of an account that became known: events may have waited for it (R61). */
export type Introduction = { readonly account: string; readonly known: Requirement };

/** An event with the content it was reported in, which is what people and replays need. */
export type ReportedEvent = { readonly event: Event; readonly reported: unknown };

/**
 * Keeps events until what they wait for is known (R61); answers what became of each. Parking one again changes
 * nothing; other content under an identity that is parked already is refused (R57). Identities must differ.
 */
export async function park(
  tx: Db,
  now: Date,
  events: readonly Waiting[],
): Promise<readonly Outcome[]> {
  if (events.length === 0) return [];
  const { rows } = await sql<Parked>`
    with given as (
      select * from unnest(
        ${textArray(events.map(({ event }) => event.account))}::text[],
        ${textArray(events.map(({ event }) => event.source))}::text[],
        ${textArray(events.map(({ event }) => event.id))}::text[],
        ${textArray(events.map(({ waitsFor }) => waitsFor.kind))}::text[],
        ${textArray(events.map(({ waitsFor }) => waitsFor.name))}::text[],
        ${textArray(events.map(({ reported }) => toJson(reported)!))}::text[]
      ) with ordinality as given (account_id, source, event_id, waits_for, name, reported, position)
    ),
    inserted as (
      insert into parked_event (account_id, source, event_id, waits_for, name, reported, parked_at)
      select account_id, source, event_id, waits_for, name, reported, ${now}::timestamptz
      from given order by position
      on conflict do nothing
    )
    -- As it was before this statement: what was parked already.
    select given.position, parked.reported
    from given join parked_event parked using (account_id, source, event_id)`.execute(tx);
  const first = new Map(rows.map((row) => [Number(row.position) - 1, readParked(row).event]));
  return events.map(({ event, waitsFor }, index): Outcome => {
    const known = first.get(index);
    return known === undefined || isSameFact(known, event)
      ? { status: 'parked', waitsFor }
      : refused(idReused(event));
  });
}

type Waiting = ReportedEvent & { readonly waitsFor: Requirement };
type Parked = { readonly position: bigint; readonly reported: string };

/** What the parked report under each event's identity waits for, by position. */
export async function findWaiting(
  tx: Db,
  events: readonly Event[],
): Promise<(Requirement | undefined)[]> {
  const { rows } = await sql<Requirement & { readonly position: bigint }>`
    select given.position, parked.waits_for as kind, parked.name
    from unnest(
      ${textArray(events.map((event) => event.account))}::text[],
      ${textArray(events.map((event) => event.source))}::text[],
      ${textArray(events.map((event) => event.id))}::text[]
    ) with ordinality as given (account_id, source, event_id, position)
    join parked_event parked using (account_id, source, event_id)`.execute(tx);
  const found: (Requirement | undefined)[] = events.map(() => undefined);
  for (const { position, kind, name } of rows) found[Number(position) - 1] = { kind, name };
  return found;
}

/** Takes out the events that waited for what is known now, for recording them. */
export async function unpark(
  tx: Db,
  introductions: readonly Introduction[],
): Promise<readonly ReportedEvent[]> {
  if (introductions.length === 0) return [];
  const { rows } = await sql<{ readonly reported: string }>`
    delete from parked_event parked using unnest(
      ${textArray(introductions.map(({ account }) => account))}::text[],
      ${textArray(introductions.map(({ known }) => known.kind))}::text[],
      ${textArray(introductions.map(({ known }) => known.name))}::text[]
    ) as introduced (account_id, kind, name)
    where parked.account_id = introduced.account_id and parked.waits_for = introduced.kind
      and parked.name = introduced.name
    returning parked.reported`.execute(tx);
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
