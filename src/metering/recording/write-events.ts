import { sql } from 'kysely';
import { numberArray, textArray } from '../../database/arrays.ts';
import { copyInto } from '../../database/copy.ts';
import type { Db } from '../../database/pool.ts';
import type { Event } from '../../events/event.ts';
import { CONTENT_COLUMNS, type NewEvent } from './new-event.ts';

const IDENTITY = 'account_id, source, event_id';
const RECORDED = 'recording, recorded_at';

/**
 * Keeps events as facts, each with its identity. An identity that is taken already fails the transaction:
 * whoever calls has looked, and holds the accounts' lock.
 */
export async function writeEvents(
  tx: Db,
  now: Date,
  recording: bigint,
  events: readonly NewEvent[],
): Promise<void> {
  const recorded = `${recording}\t${now.toISOString()}`;
  await copyInto(
    tx,
    `event_identity (${IDENTITY}, fingerprint, ${RECORDED})`,
    events.map(({ identityText, fingerprint }) => {
      return `${identityText}\t\\\\x${fingerprint}\t${recorded}`;
    }),
  );
  await copyInto(
    tx,
    `event (${IDENTITY}, ${CONTENT_COLUMNS}, ${RECORDED})`,
    events.map(({ identityText, contentText }) => `${identityText}\t${contentText}\t${recorded}`),
  );
}

/**
 * Lets events of this batch count from never on: what they are about is settled. The next close reports that
 * they came too late, as it does of all that corrections do not reach back to (R60).
 */
export async function countOut(tx: Db, recording: bigint, events: readonly Event[]): Promise<void> {
  if (events.length === 0) return;
  await sql`
    with too_late as (
      select * from unnest(
        ${textArray(events.map(({ account }) => account))}::text[],
        ${textArray(events.map(({ source }) => source))}::text[],
        ${textArray(events.map(({ id }) => id))}::text[],
        ${numberArray(events.map(({ occurredAt }) => occurredAt.second))}::bigint[]
      ) as too_late (account_id, source, event_id, at)
    ),
    noted as (
      update account set late_since = least(account.late_since, late.at)
      from (select account_id, min(at) as at from too_late group by account_id) late
      where account.account_id = late.account_id and late.at < account.last_cut_at
    )
    update event set is_superseded = true, superseded_in = recording
    from too_late where event.account_id = too_late.account_id and event.recording = ${recording}
      and event.source = too_late.source and event.event_id = too_late.event_id`.execute(tx);
}
