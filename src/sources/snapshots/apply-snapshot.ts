import { lockAccounts } from '../../accounts/lock.ts';
import { findAccounts } from '../../accounts/store.ts';
import type { Db } from '../../database/pool.ts';
import type { Outcome } from '../../events/outcome.ts';
import { describeRefusal } from '../../events/refusal.ts';
import type { RecordWithin } from '../../metering/record-events.ts';
import { readPrices } from '../../pricing/store.ts';
import { Fault } from '../../values/fault.ts';
import { formatInstant, toSecond } from '../../values/instant.ts';
import { compareSnapshot, type Comparison } from './compare-snapshot.ts';
import { correctionsOf, type Correction } from './corrections.ts';
import { driftOf, type AccountDrift } from './drift.ts';
import { findHeld } from './held-store.ts';
import { noteHeard } from '../heard.ts';
import { nameOfSnapshot, reportedResources, type Snapshot } from './snapshot.ts';
import { claimSnapshot, lastSnapshotAt, noteApplied } from './snapshot-store.ts';

export type SnapshotContext = {
  readonly db: Db;
  /** The one write path, within the transaction that compares. */
  readonly record: RecordWithin;
};

export type SnapshotOptions = {
  /** Changes nothing, and refuses nothing as too small: it says so instead. */
  readonly isDryRun?: boolean;
  /** Takes also what looks too small. */
  readonly isForced?: boolean;
};

export type SnapshotResult = {
  readonly source: string;
  readonly takenAt: Snapshot['takenAt'];
  readonly isDryRun: boolean;
  /** How many resources the snapshot names, and the meter holds as run by its source. */
  readonly reported: number;
  readonly held: number;
  /** Those held that the snapshot does not name. */
  readonly missed: number;
  readonly drift: readonly AccountDrift[];
  /** What became of the corrective events; all 0 in a dry run. */
  readonly corrections: { readonly [status in Outcome['status']]: number };
  /** Why corrective events were refused; at most 100. */
  readonly refusals: readonly string[];
  /** Why it will be refused unless forced. */
  readonly suspicion: string | undefined;
};

/**
 * Reconciles the meter with the whole live state of a source (the meter is corrected, from the snapshot's
 * instant on): what it holds otherwise becomes corrective events, and what nobody reported any more ends.
 * Safe to repeat, to run anywhere at once, and to break off: the same snapshot again does what is left.
 *
 * A report of an earlier instant that arrives later is heard all the same; the next snapshot corrects it.
 *
 * @throws Fault `snapshot_too_small`, `snapshot_differs`, `snapshot_ahead` when it lies in the future,
 *   or `snapshot_settled` when events of its time may be archived.
 */
export async function applySnapshot(
  context: SnapshotContext,
  now: Date,
  snapshot: Snapshot,
  { isDryRun = false, isForced = false }: SnapshotOptions = {},
): Promise<SnapshotResult> {
  refuseFuture(snapshot, now);
  await refuseSettled(context.db, snapshot);
  const comparison = await compareAll(context.db, snapshot);
  const suspicion = suspicionOf(snapshot, comparison);
  const drift = await priceDrift(context.db, snapshot, comparison);
  const corrections = { recorded: 0, duplicate: 0, parked: 0, refused: 0 };
  const refusals: string[] = [];
  if (!isDryRun) {
    if (suspicion !== undefined && !isForced) {
      throw new Fault('conflict', 'snapshot_too_small', suspicion);
    }
    await claimSnapshot(context.db, now, snapshot, isForced);
    for (const outcome of await correctAll(context, now, snapshot, comparison)) {
      corrections[outcome.status] += 1;
      if (outcome.status !== 'refused' || refusals.length === MOST_REFUSALS) continue;
      refusals.push(describeRefusal(outcome.refusal));
    }
    await noteApplied(context.db, now, snapshot);
    await noteHeard(context.db, now, [snapshot.source]);
  }
  return {
    source: snapshot.source,
    takenAt: snapshot.takenAt,
    isDryRun,
    reported: reportedResources(snapshot.accounts).length,
    held: comparison.held,
    missed: comparison.missed,
    drift,
    corrections,
    refusals,
    suspicion,
  };
}

const MOST_REFUSALS = 100;
/** As for events: clocks of reporting machines may run ahead by this much. */
const MAX_AHEAD_SECONDS = 300n;
/** Of what the source ran, so much may be missing at once: as few as this, or a share of all. */
const UNSUSPICIOUS_MISSED = 10;
const UNSUSPICIOUS_SHARE = 5;
/** Accounts that are corrected in one transaction, so that none is locked for long. */
const CHUNK_ACCOUNTS = 200;

function refuseFuture(snapshot: Snapshot, now: Date): void {
  if (snapshot.takenAt.second <= toSecond(now) + MAX_AHEAD_SECONDS) return;
  const taken = formatInstant(snapshot.takenAt);
  const message = `taken_at is ${taken}; it must not be more than 5 minutes ahead of the meter's clock, ${now.toISOString()}`;
  throw new Fault('invalid', 'snapshot_ahead', message);
}

/** What ran then cannot be told any more where events are archived, nor changed. */
async function refuseSettled(db: Db, { takenAt }: Snapshot): Promise<void> {
  const settled = await db
    .selectFrom('account')
    .select('settled_at')
    .where('settled_at', '>', takenAt.second)
    .limit(1)
    .executeTakeFirst();
  if (settled === undefined) return;
  const rule = 'events of that time are settled, and may be archived; take one of today';
  const message = `taken_at is ${formatInstant(takenAt)}; ${rule}`;
  throw new Fault('conflict', 'snapshot_settled', message);
}

/** A snapshot that was cut short must not end what it failed to list. */
function suspicionOf(
  snapshot: Snapshot,
  { held, missed }: Pick<Comparison, 'held' | 'missed'>,
): string | undefined {
  const isEmpty = held > 0 && reportedResources(snapshot.accounts).length === 0;
  const isSmall = missed > UNSUSPICIOUS_MISSED && missed * UNSUSPICIOUS_SHARE > held;
  if (!isEmpty && !isSmall) return undefined;
  const counted = `${held - missed} of the ${held} resources that run`;
  return `${nameOfSnapshot(snapshot)} names ${counted}; force it if the others have really ended`;
}

async function compareAll(db: Db, { source, takenAt, accounts }: Snapshot): Promise<Comparison> {
  const named = reportedResources(accounts);
  const held = await findHeld(db, { source, at: takenAt, named });
  return compareSnapshot(source, accounts, held);
}

async function priceDrift(
  db: Db,
  { source, takenAt }: Snapshot,
  { differences }: Comparison,
): Promise<readonly AccountDrift[]> {
  if (differences.length === 0) return [];
  const accountIds = [...new Set(differences.map(({ account }) => account))];
  return driftOf(differences, {
    at: takenAt.second,
    priceBooks: await readPrices(db, accountIds),
    accounts: await findAccounts(db, accountIds),
    lastSnapshotAt: await lastSnapshotAt(db, source, takenAt),
  });
}

/** Chunk by chunk of the accounts that differ. */
async function correctAll(
  { db, record }: SnapshotContext,
  now: Date,
  snapshot: Snapshot,
  { differences }: Comparison,
): Promise<readonly Outcome[]> {
  const accountIds = [...new Set(differences.map(({ account }) => account))];
  const byAccount = new Map(snapshot.accounts.map((one) => [one.account, one]));
  const outcomes: Outcome[] = [];
  for (let from = 0; from < accountIds.length; from += CHUNK_ACCOUNTS) {
    const chunk = accountIds.slice(from, from + CHUNK_ACCOUNTS);
    const accounts = chunk.flatMap((account) => byAccount.get(account) ?? []);
    const recorded = await db
      .transaction()
      .setIsolationLevel('read committed')
      .execute(async (tx) => {
        await lockAccounts(tx, chunk);
        return await correctChunk({ db: tx, record }, now, { ...snapshot, accounts }, chunk);
      });
    outcomes.push(...recorded);
  }
  return outcomes;
}

/**
 * Compares again under the accounts' locks, so that what was reported meanwhile is regarded; and once more
 * after recording, since an app that became known lets in what had waited for it.
 */
async function correctChunk(
  { db, record }: SnapshotContext,
  now: Date,
  snapshot: Snapshot,
  accountIds: readonly string[],
): Promise<readonly Outcome[]> {
  const { source, takenAt: at, accounts } = snapshot;
  const named = reportedResources(accounts);
  const outcomes = new Map<string, Outcome>();
  for (;;) {
    const held = await findHeld(db, { source, at, named, accountIds });
    const corrections = correctionsOf(snapshot, compareSnapshot(source, accounts, held));
    const left = corrections.filter((one) => !outcomes.has(keyOf(one)));
    if (left.length === 0) return [...outcomes.values()];
    const recorded = await record(db, now, left);
    left.forEach((one, index) => outcomes.set(keyOf(one), recorded[index]!));
  }
}

/** Ids are unique within an account. */
function keyOf({ id, data }: Correction): string {
  return JSON.stringify([data.account, id]);
}
