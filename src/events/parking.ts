import { sql, type RawBuilder } from 'kysely';
import { textArray } from '../database/arrays.ts';
import type { Db } from '../database/pool.ts';
import { assert } from '../values/fault.ts';
import { toJson } from '../values/text.ts';
import type { Requirement } from './admission.ts';
import type { Event } from './event.ts';
import { eventParser } from './parse-event.ts';
import { MAX_REPLICAS_CEILING } from './schema.ts';

/** Something of an account that became known: events may have waited for it (R61). */
export type Introduction = { readonly account: string; readonly known: Requirement };

/** An event with the content it was reported in, which is what people and replays need. */
export type ReportedEvent = {
  readonly event: Event;
  readonly fingerprint: string;
  readonly reported: unknown;
};

export type WaitingEvent = { readonly one: ReportedEvent; readonly waitsFor: Requirement };

/**
 * Keeps events until what they wait for is known (R61). They keep their identity meanwhile (R57): it must not
 * be taken yet. Needs the accounts' lock.
 */
export async function park(tx: Db, now: Date, waiting: readonly WaitingEvent[]): Promise<void> {
  if (waiting.length === 0) return;
  const events = waiting.map(({ one }) => one.event);
  await sql`
    with given as (
      select * from unnest(
        ${textArray(events.map((event) => event.account))}::text[],
        ${textArray(events.map((event) => event.source))}::text[],
        ${textArray(events.map((event) => event.id))}::text[],
        ${textArray(waiting.map(({ one }) => one.fingerprint))}::text[],
        ${textArray(waiting.map(({ waitsFor }) => waitsFor.kind))}::text[],
        ${textArray(waiting.map(({ waitsFor }) => waitsFor.name))}::text[],
        ${textArray(waiting.map(({ one }) => toJson(one.reported)!))}::text[]
      ) as given (account_id, source, event_id, fingerprint, waits_for, name, reported)
    ),
    identified as (
      insert into event_identity (account_id, source, event_id, fingerprint, recorded_at)
      select account_id, source, event_id, decode(fingerprint, 'hex'), ${now}::timestamptz
      from given order by 1, 2, 3
    )
    insert into parked_event (account_id, source, event_id, waits_for, name, reported, parked_at)
    select account_id, source, event_id, waits_for, name, reported, ${now}::timestamptz
    from given order by 1, 2, 3`.execute(tx);
}

/** What each of these parked events waits for, in their order. */
export async function findWaiting(tx: Db, parked: readonly Event[]): Promise<Requirement[]> {
  if (parked.length === 0) return [];
  const { rows } = await sql<Requirement>`
    select parked.waits_for as kind, parked.name
    from unnest(
      ${textArray(parked.map((event) => event.account))}::text[],
      ${textArray(parked.map((event) => event.source))}::text[],
      ${textArray(parked.map((event) => event.id))}::text[]
    ) with ordinality as given (account_id, source, event_id, position)
    join parked_event parked using (account_id, source, event_id)
    order by position`.execute(tx);
  return rows;
}

/** Takes out the reports that waited for any of this, for recording them now; the oldest first. */
export async function unpark(
  tx: Db,
  introductions: readonly Introduction[],
): Promise<readonly Revived[]> {
  if (introductions.length === 0) return [];
  return await takeOut(
    tx,
    sql`(account_id, waits_for, name) in (
      select * from unnest(
        ${textArray(introductions.map(({ account }) => account))}::text[],
        ${textArray(introductions.map(({ known }) => known.kind))}::text[],
        ${textArray(introductions.map(({ known }) => known.name))}::text[]))`,
  );
}

/** The same for one event, whatever it waits for; undefined when it does not. */
export async function unparkOne(
  tx: Db,
  { account, source, id }: Pick<Event, 'account' | 'source' | 'id'>,
): Promise<Revived | undefined> {
  const [revived] = await takeOut(
    tx,
    sql`account_id = ${account} and source = ${source} and event_id = ${id}`,
  );
  return revived;
}

type Revived = { readonly event: Event; readonly reported: unknown; readonly parkedAt: Date };

async function takeOut(tx: Db, which: RawBuilder<unknown>): Promise<readonly Revived[]> {
  const { rows } = await sql<{ reported: string; parkedAt: Date }>`
    with revived as (
      delete from parked_event where ${which}
      returning account_id, source, event_id, reported, parked_at
    ),
    freed as (
      delete from event_identity identity using revived
      where identity.account_id = revived.account_id and identity.source = revived.source
        and identity.event_id = revived.event_id and identity.recording is null
    )
    select reported, parked_at as "parkedAt" from revived
    order by parked_at, account_id, source, event_id`.execute(tx);
  return rows.map(({ reported, parkedAt }) => ({ ...readParked(reported), parkedAt }));
}

const parse = eventParser(MAX_REPLICAS_CEILING);
/** The last instant that `Date` knows. */
const END_OF_TIME = new Date(8.64e15);

/** It was taken when it was parked: what the clock and the settings say now does not refuse it. */
function readParked(text: string): { readonly event: Event; readonly reported: unknown } {
  const reported: unknown = JSON.parse(text);
  const parsed = parse(reported, END_OF_TIME);
  assert(parsed.ok, 'a parked event was valid when it was parked');
  return { event: parsed.event, reported };
}
