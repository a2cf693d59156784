import { sql } from 'kysely';
import type { Db } from '../database/pool.ts';
import type { ArchivedPart } from '../invoicing/explaining/archived-part.ts';
import { compareBytes } from '../values/text.ts';
import { nameOf, type ArchivedEvent } from './archived.ts';
import { sealsOf, toLinks, type Seal } from './chain-store.ts';
import { linkAfter, NO_LINK, type ChainedEvent, type Link } from './event-chain.ts';
import type { ChainBreak, ChainReport } from './verify-chain.ts';

/** An event by its identity, which stays for ever; without `event` it is not in the database. */
type Place = {
  readonly recording: bigint;
  readonly source: string;
  readonly id: string;
  readonly month: string;
  readonly event: ChainedEvent | undefined;
};

const PLACES_AT_ONCE = 2000;
const MAX_BREAKS = 10;

/**
 * The same as `verifyChain` for an account some of whose events are archived. Identities say which event stands at
 * which place: those in the database, or in `archived`, are held against their links. A missing one must be of an
 * archived month, and no more may miss than left with it; its link is taken from the seal.
 */
export async function verifyThinnedChain(
  db: Db,
  account: string,
  part: ArchivedPart,
  archived: readonly ArchivedEvent[] = [],
): Promise<ChainReport> {
  const left = new Map(part.months.map(({ month, events }) => [month, events]));
  const byName = new Map(archived.map((event) => [nameOf(event), event]));
  const breaks: ChainBreak[] = [];
  const ends: { readonly recording: bigint; readonly link: Link }[] = [];
  let position = 0n;
  let head = NO_LINK;
  await db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (tx) => {
      const places = placesOf(tx, account);
      let place = (await places.next()).value;
      for await (const seal of sealsOf(tx, account)) {
        for (const link of toLinks(seal.links)) {
          position += 1n;
          const broken = place === undefined || isAfter(place, seal);
          const event = broken ? undefined : (place!.event ?? byName.get(nameOf(place!)));
          if (event !== undefined && linkAfter(head, account, event) !== link) {
            breaks.push({ kind: 'changed', event, position });
          }
          if (event === undefined && (broken || !left.has(place!.month))) {
            breaks.push({ kind: 'missing', event: broken ? undefined : place, position });
          }
          if (!broken) {
            if (place!.event === undefined && left.has(place!.month)) {
              left.set(place!.month, left.get(place!.month)! - 1n);
            }
            place = (await places.next()).value;
          }
          head = link;
        }
        for (; place !== undefined && !isAfter(place, seal); place = (await places.next()).value) {
          breaks.push({ kind: 'added', event: place, position });
        }
        ends.push({ recording: seal.last.recording, link: head });
      }
    });
  for (const count of left.values()) {
    if (count !== 0n)
      breaks.push({ kind: count < 0n ? 'missing' : 'added', event: undefined, position });
  }
  return {
    sealedCount: position,
    head,
    breaks: breaks.slice(0, MAX_BREAKS).map(({ event, ...rest }) => ({
      ...rest,
      event: event && { source: event.source, id: event.id },
    })),
    headAt: (recording) => ends.findLast((end) => end.recording <= recording)?.link ?? NO_LINK,
  };
}

/** In the order in which they became known. The server sorts them, once, outside of its memory where they are many. */
async function* placesOf(tx: Db, account: string): AsyncGenerator<Place, undefined> {
  await sql`declare places no scroll cursor for
    select identity.recording, identity.source, identity.event_id as id,
      to_char(identity.recorded_at at time zone 'UTC', 'YYYY-MM') as month,
      event.type, at, tie, meter, resource, app, level, size_tenths as "sizeTenths", details,
      identity.recorded_at as "recordedAt"
    from event_identity identity
    left join event using (account_id, source, event_id, recording, recorded_at)
    where account_id = ${sql.lit(account)} and identity.recording is not null
    order by identity.recording, identity.source, identity.event_id`.execute(tx);
  for (;;) {
    const { rows } = await sql<
      Omit<Place, 'event'> & (ChainedEvent | { readonly type: null })
    >`fetch ${sql.lit(PLACES_AT_ONCE)} from places`.execute(tx);
    for (const row of rows) {
      const { recording, source, id, month } = row;
      yield { recording, source, id, month, event: row.type === null ? undefined : row };
    }
    if (rows.length < PLACES_AT_ONCE) return undefined;
  }
}

/** As `collate "C"` compares. */
function isAfter(place: Place, { last }: Seal): boolean {
  if (place.recording !== last.recording) return place.recording > last.recording;
  return (compareBytes(place.source, last.source) || compareBytes(place.id, last.id)) > 0;
}
