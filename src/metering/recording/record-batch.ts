import type { Db } from '../../database/pool.ts';
import type { Requirement } from '../../events/admission.ts';
import type { Event } from '../../events/event.ts';
import { RECORDED, type Outcome } from '../../events/outcome.ts';
import { decide } from './decide.ts';
import { spanDatabases } from '../series/bounds.ts';
import { deltasOf, type SeriesKey } from '../series/deltas.ts';
import { foldDeltas } from '../series/fold-deltas.ts';
import { lookUp, type Looked } from './look-up.ts';
import type { NewEvent } from './new-event.ts';
import { placeEvents } from './place-events.ts';
import { findSettled } from '../series/settled.ts';
import { countOut, writeEvents } from './write-events.ts';

export type RecordedBatch = {
  /** What became of each event, by position, or what stands against it. */
  readonly outcomes: readonly Outcome[];
  /** Those that are to be parked; others that wait are parked already. */
  readonly toPark: readonly { readonly position: number; readonly waitsFor: Requirement }[];
  readonly recorded: readonly Event[];
  /** Those of them that are about what is settled: they count nowhere. */
  readonly settled: ReadonlySet<Event>;
  /** Those of them that are true when their account was in the STANDARD tier already. */
  readonly charged: ReadonlySet<Event>;
  readonly createdSeries: readonly SeriesKey[];
};

/**
 * Records events and folds them into their series: looks up what decides about them, works out here what they
 * change, and writes facts and changes. Safe to repeat: what is recorded is left out. Needs the accounts' lock,
 * taken by an earlier statement of the same transaction; identities must differ within the batch.
 *
 * A series is a line: its integral up to t is level × t + offset. An event that is later than its line's last
 * one changes it by what the line itself says, and costs no look at history; a late one costs two look-ups.
 */
export async function recordBatch(
  tx: Db,
  now: Date,
  batch: readonly NewEvent[],
): Promise<RecordedBatch> {
  const none = new Set<Event>();
  const nothing = { recorded: [], settled: none, charged: none, createdSeries: [] };
  if (batch.length === 0) return { outcomes: [], toPark: [], ...nothing };
  const order = indexOrder(batch);
  const { looked, recording } = await lookUp(tx, batch, order);
  const outcomes = await decide(tx, batch, looked);
  const fresh = order.filter((position) => outcomes[position] === RECORDED);
  const toPark = outcomes.flatMap((outcome, position) =>
    outcome.status === 'parked' && looked[position]!.fingerprint === null
      ? [{ position, waitsFor: outcome.waitsFor }]
      : [],
  );
  if (fresh.length === 0) return { outcomes, toPark, ...nothing };
  const events = fresh.map((position) => batch[position]!);
  const found = fresh.map((position) => looked[position]!);
  const settled = await findSettled(
    tx,
    events,
    found.map(({ settledAt }) => settledAt),
  );
  const counts = (_: unknown, index: number): boolean => !settled.has(index);
  const placed = await placeEvents(tx, events.filter(counts), found.filter(counts));
  await writeEvents(tx, now, recording, events);
  const tooLate = events.filter((_, index) => settled.has(index)).map(({ event }) => event);
  await countOut(tx, recording, tooLate);
  const createdSeries = await foldDeltas(tx, deltasOf(placed));
  await spanDatabases(tx, placed);
  const recorded = fresh.toSorted((a, b) => a - b).map((position) => batch[position]!.event);
  const charged = events.filter((one, index) => isCharged(one, found[index]!));
  return {
    outcomes,
    toPark,
    recorded,
    settled: new Set(tooLate),
    charged: new Set(charged.map(({ event }) => event)),
    createdSeries,
  };
}

function isCharged({ row: { at } }: NewEvent, { upgradedAt }: Looked): boolean {
  return upgradedAt !== null && upgradedAt <= at;
}

/**
 * Positions in the order of the indexes: what lies side by side is looked up and written one after the other,
 * which spares the server a fifth of its work.
 */
function indexOrder(batch: readonly NewEvent[]): number[] {
  return [...batch.keys()].toSorted((a, b) => {
    const x = batch[a]!;
    const y = batch[b]!;
    if (x.event.account !== y.event.account) return x.event.account < y.event.account ? -1 : 1;
    const resource = x.row.resource ?? '';
    const other = y.row.resource ?? '';
    return resource === other ? 0 : resource < other ? -1 : 1;
  });
}
