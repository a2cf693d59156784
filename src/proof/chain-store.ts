import { sql } from 'kysely';
import type { Db } from '../database/pool.ts';
import { NO_LINK, type ChainedEvent, type Link } from './event-chain.ts';

/** A place in the order in which the events of an account became known; a name breaks ties of one batch. */
export type ChainPlace = {
  readonly recording: bigint;
  readonly source: string;
  readonly id: string;
};

export const CHAIN_START: ChainPlace = { recording: -1n, source: '', id: '' };

/** Consecutive links and the place of the event the last of them belongs to. */
export type Seal = {
  readonly sealedCount: bigint;
  readonly last: ChainPlace;
  readonly links: Buffer;
};

const LINK_BYTES = 32;

export function toLinks(links: Buffer): Link[] {
  return Array.from({ length: links.length / LINK_BYTES }, (_, index) =>
    links.subarray(index * LINK_BYTES, (index + 1) * LINK_BYTES).toString('hex'),
  );
}

/** Events after a place, up to a recording, in the order of the chain. */
export async function readChain(
  db: Db,
  account: string,
  after: ChainPlace,
  upTo: { readonly recording: bigint } | ChainPlace,
  limit: number,
): Promise<ChainedEvent[]> {
  const end =
    'source' in upTo
      ? sql`(recording, source, event_id) <= (${upTo.recording}, ${upTo.source}, ${upTo.id})`
      : sql`recording <= ${upTo.recording}`;
  const { rows } = await sql<ChainedEvent>`
    select source, event_id as id, type, at, tie, meter, resource, app, level,
      size_tenths as "sizeTenths", details, recording, recorded_at as "recordedAt"
    from event
    where account_id = ${account} and recording >= ${after.recording}
      and (recording, source, event_id) > (${after.recording}, ${after.source}, ${after.id})
      and ${end}
    order by recording, source, event_id limit ${limit}`.execute(db);
  return rows;
}

async function readSeals(db: Db, account: string, afterCount: bigint): Promise<Seal[]> {
  const rows = await db
    .selectFrom('event_seal')
    .selectAll()
    .where('account_id', '=', account)
    .where('sealed_count', '>', afterCount)
    .orderBy('sealed_count')
    .limit(10)
    .execute();
  return rows.map(toSeal);
}

/** All seals of an account, in order; reads some at a time. */
export async function* sealsOf(db: Db, account: string): AsyncGenerator<Seal> {
  for (let sealedCount = 0n; ;) {
    const seals = await readSeals(db, account, sealedCount);
    if (seals.length === 0) return;
    yield* seals;
    sealedCount = seals.at(-1)!.sealedCount;
  }
}

export async function findLastSeal(db: Db, account: string): Promise<Seal | undefined> {
  const row = await db
    .selectFrom('event_seal')
    .selectAll()
    .where('account_id', '=', account)
    .orderBy('sealed_count', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row && toSeal(row);
}

export function lastLinkOf(seal: Seal | undefined): Link {
  return seal === undefined ? NO_LINK : toLinks(seal.links).at(-1)!;
}

function toSeal(row: {
  readonly sealed_count: bigint;
  readonly recording: bigint;
  readonly source: string;
  readonly event_id: string;
  readonly links: Buffer;
}): Seal {
  const { sealed_count: sealedCount, recording, source, event_id: id, links } = row;
  return { sealedCount, last: { recording, source, id }, links };
}
