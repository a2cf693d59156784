import { sql } from 'kysely';
import { textArray } from '../../database/arrays.ts';
import type { Db } from '../../database/pool.ts';
import type { Second } from '../../values/instant.ts';
import type { NewEvent } from './new-event.ts';

/** What the database holds about an event that is to be recorded, and about the line it would change. */
export type Looked = {
  readonly signedUpAt: Second | null;
  /** From then on the account is in the STANDARD tier. */
  readonly upgradedAt: Second | null;
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
 * Looks up everything that decides about events, in one statement that reads no history, and a second one for
 * events of accounts that are not known. Needs the accounts' lock, taken by an earlier statement: then nobody
 * changes what was seen until the transaction ends. Identities and lines are asked row by row, in the order given:
 * a plan made for small tables would read large ones from end to end until the next one. It starts from accounts,
 * since Citus allows that beside tables of accounts only.
 */
export async function lookUp(
  tx: Db,
  batch: readonly NewEvent[],
  order: readonly number[],
): Promise<LookedUp> {
  const events = order.map((position) => batch[position]!);
  const { rows } = await sql<Looked & { readonly index: bigint; readonly recording: bigint }>`
    /* prepare look_up */
    with drawn as materialized (select nextval('event_recording') as recording)
    select given.position as index, account.signed_up_at as "signedUpAt",
      account.upgraded_at as "upgradedAt", account.last_cut_at as "lastCutAt",
      account.settled_at as "settledAt", identity.fingerprint, identity.is_recorded as "isRecorded",
      line.level as "lineLevel", line.last_at as "lineLastAt", drawn.recording
    from unnest(
      ${textArray(events.map(({ event }) => event.account))}::text[],
      ${textArray(events.map(({ event }) => event.source))}::text[],
      ${textArray(events.map(({ event }) => event.id))}::text[],
      ${textArray(events.map(({ row }) => (row.meter === 'app' ? row.resource : null)))}::text[]
    ) with ordinality as given (account_id, source, event_id, app, position)
    join account on account.account_id = given.account_id
    cross join drawn
    left join lateral (
      select encode(fingerprint, 'hex') as fingerprint, recording is not null as is_recorded
      from event_identity i
      where i.account_id = account.account_id and i.source = given.source
        and i.event_id = given.event_id limit 1
    ) identity on true
    left join lateral (
      select level, last_at from series s
      where s.account_id = account.account_id and s.meter = 'app' and s.resource = given.app
        and s.size_tenths = 0 limit 1
    ) line on true
    order by position`.execute(tx);
  const looked: Looked[] = Array.from({ length: batch.length });
  for (const row of rows) looked[order[Number(row.index) - 1]!] = row;
  if (rows.length < order.length) await lookUpUnknown(tx, batch, looked);
  return { looked, recording: rows[0]?.recording ?? (await drawRecording(tx)) };
}

const UNKNOWN: Looked = {
  signedUpAt: null,
  upgradedAt: null,
  lastCutAt: null,
  settledAt: null,
  fingerprint: null,
  isRecorded: null,
  lineLevel: null,
  lineLastAt: null,
};

/** Of an account that is not known there may be reports all the same: they are parked. */
async function lookUpUnknown(tx: Db, batch: readonly NewEvent[], looked: Looked[]): Promise<void> {
  const positions = [...batch.keys()].filter((position) => looked[position] === undefined);
  const events = positions.map((position) => batch[position]!.event);
  const { rows } = await sql<
    Pick<Looked, 'fingerprint' | 'isRecorded'> & { readonly index: bigint }
  >`
    select given.position as index, encode(i.fingerprint, 'hex') as fingerprint,
      i.recording is not null as "isRecorded"
    from unnest(
      ${textArray(events.map(({ account }) => account))}::text[],
      ${textArray(events.map(({ source }) => source))}::text[],
      ${textArray(events.map(({ id }) => id))}::text[]
    ) with ordinality as given (account_id, source, event_id, position)
    join event_identity i on i.account_id = given.account_id and i.source = given.source
      and i.event_id = given.event_id`.execute(tx);
  for (const position of positions) looked[position] = UNKNOWN;
  for (const { index, ...row } of rows) {
    looked[positions[Number(index) - 1]!] = { ...UNKNOWN, ...row };
  }
}

async function drawRecording(tx: Db): Promise<bigint> {
  const { rows } = await sql<{ recording: bigint }>`
    select nextval('event_recording') as recording`.execute(tx);
  return rows[0]!.recording;
}
