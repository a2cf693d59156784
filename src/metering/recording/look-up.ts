import { sql } from 'kysely';
import { textArray } from '../../database/arrays.ts';
import type { Db } from '../../database/pool.ts';
import type { Second } from '../../values/instant.ts';
import type { NewEvent } from './new-event.ts';

/** What the database holds about an event that is to be recorded, and about the line it would change. */
export type Looked = {
  readonly signedUpAt: Second | null;
  readonly lastCutAt: Second | null;
  /** Null where nothing of its account is settled. */
  readonly settledAt: Second | null;
  /** What is reported under the same identity; it is parked while `isRecorded` is false. */
  readonly fingerprint: string | null;
  readonly isRecorded: boolean | null;
  /** The line of its app: its level from its last event on. */
  readonly lineLevel: bigint | null;
  readonly lineLastAt: Second | null;
};

export type LookedUp = {
  /** By position. */
  readonly looked: readonly Looked[];
  /** The number of this batch, the latest of all that were drawn for its accounts. */
  readonly recording: bigint;
};

/**
 * Looks up everything that decides about events, in one statement that reads no history. Needs the accounts'
 * lock, taken by an earlier statement: then nobody changes what was seen until the transaction ends. Each table
 * is asked row by row, in the order given: a plan made for small tables would read large ones from end to end until the next one.
 */
export async function lookUp(
  tx: Db,
  batch: readonly NewEvent[],
  order: readonly number[],
): Promise<LookedUp> {
  const events = order.map((position) => batch[position]!);
  const { rows } = await sql<Looked & { readonly recording: bigint }>`
    /* prepare look_up */
    select account.signed_up_at as "signedUpAt", account.last_cut_at as "lastCutAt",
      account.settled_at as "settledAt", identity.fingerprint, identity.is_recorded as "isRecorded", line.level as "lineLevel",
      line.last_at as "lineLastAt", (select nextval('event_recording')) as recording
    from unnest(
      ${textArray(events.map(({ event }) => event.account))}::text[],
      ${textArray(events.map(({ event }) => event.source))}::text[],
      ${textArray(events.map(({ event }) => event.id))}::text[],
      ${textArray(events.map(({ row }) => (row.meter === 'app' ? row.resource : null)))}::text[]
    ) with ordinality as given (account_id, source, event_id, app, position)
    left join lateral (
      select signed_up_at, last_cut_at, settled_at from account a
      where a.account_id = given.account_id limit 1
    ) account on true
    left join lateral (
      select encode(fingerprint, 'hex') as fingerprint, recording is not null as is_recorded
      from event_identity i
      where i.account_id = given.account_id and i.source = given.source
        and i.event_id = given.event_id limit 1
    ) identity on true
    left join lateral (
      select level, last_at from series s
      where s.account_id = given.account_id and s.meter = 'app' and s.resource = given.app
        and s.size_tenths = 0 limit 1
    ) line on true
    order by position`.execute(tx);
  const looked: Looked[] = Array.from({ length: batch.length });
  for (const [index, position] of order.entries()) looked[position] = rows[index]!;
  return { looked, recording: rows[0]!.recording };
}
