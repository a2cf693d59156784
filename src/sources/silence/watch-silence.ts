import { lockAccounts } from '../../accounts/lock.ts';
import { addSignals } from '../../accounts/signals.ts';
import type { Db } from '../../database/pool.ts';
import type { Outcome } from '../../events/outcome.ts';
import type { RecordWithin } from '../../metering/record-events.ts';
import { assert } from '../../values/fault.ts';
import { formatSecond, later, toSecond, type Instant, type Second } from '../../values/instant.ts';
import type { Cause } from '../cause.ts';
import type { Difference, Held } from '../snapshots/compare-snapshot.ts';
import { correctionOf, type Correction } from '../snapshots/corrections.ts';
import { findHeld } from '../snapshots/held-store.ts';
import { accountsOfEnds, findReturns, noteEnds } from './silence-ends.ts';
import {
  beginSilences,
  endSilence,
  listEnding,
  listUnsettled,
  noteSettled,
  type EndedSilence,
  type Silence,
} from './silence-store.ts';
import { flagAccounts } from './unconfirmed.ts';

type Context = { readonly db: Db; readonly record: RecordWithin };

export type WatchedSilences = {
  readonly begun: readonly Silence[];
  readonly ended: readonly EndedSilence[];
};

/** A source that was away may first report what happened meanwhile; what it reports so is not brought back. */
const BACKLOG_SECONDS = 60n;
/** Accounts that are corrected in one transaction, so that none is locked for long. */
const CHUNK_ACCOUNTS = 200;

/**
 * Finds sources that are overdue and those that were heard again, tells the platform of each once, and does
 * what their policy asks for. Safe to repeat, to run anywhere at once, and to break off.
 */
export async function watchSilence(context: Context, now: Date): Promise<WatchedSilences> {
  const { db } = context;
  const begun = await beginSilences(db, now);
  for (const silence of await listUnsettled(db)) await settle(context, now, silence);
  const ended = await listEnding(db, new Date(now.getTime() - Number(BACKLOG_SECONDS) * 1000));
  for (const silence of ended) {
    if (silence.policy === 'close') await bringBack(context, now, silence);
    await endSilence(db, now, silence);
  }
  return { begun, ended };
}

async function settle(context: Context, now: Date, silence: Silence): Promise<void> {
  if (silence.policy === 'close') {
    for (const chunk of await accountsHeld(context.db, now, silence)) {
      await endLevels(context, now, silence, chunk);
    }
  }
  await context.db
    .transaction()
    .setIsolationLevel('read committed')
    .execute(async (tx) => {
      const isFirst = await noteSettled(tx, now, silence);
      if (!isFirst || silence.policy !== 'flag') return;
      for (const chunk of await accountsHeld(tx, now, silence)) {
        await flagAccounts(tx, silence, chunk);
        await tellAccounts(tx, now, silence, chunk);
      }
    });
}

/** The accounts of which the source runs something, in chunks. */
async function accountsHeld(
  db: Db,
  now: Date,
  { source }: Silence,
): Promise<readonly (readonly string[])[]> {
  const held = await findHeld(db, { source, at: instantOf(toSecond(now)), named: [] });
  const accountIds = [...new Set(held.map(({ account }) => account))].toSorted();
  return Array.from({ length: Math.ceil(accountIds.length / CHUNK_ACCOUNTS) }, (_, n) =>
    accountIds.slice(n * CHUNK_ACCOUNTS, (n + 1) * CHUNK_ACCOUNTS),
  );
}

/** Ends what the source runs when the silence began, or right after the resource's last event since. */
async function endLevels(
  context: Context,
  now: Date,
  silence: Silence,
  accountIds: readonly string[],
): Promise<void> {
  await underLock(context.db, accountIds, async (tx) => {
    const { source, beganAt } = silence;
    const at = instantOf(toSecond(now));
    const held = await findHeld(tx, { source, at, named: [], accountIds });
    if (held.length === 0) return;
    const ends = held.map((one) => {
      const { account, kind, name, app } = one;
      const end = correction('silence', silence, endOf(one), beganAt);
      return { account, kind, name, app, end };
    });
    await recordAll(
      context.record,
      tx,
      now,
      ends.map(({ end }) => end),
    );
    await noteEnds(tx, silence, ends);
    await tellAccounts(tx, now, silence, [...new Set(held.map(({ account }) => account))]);
  });
}

function endOf({ account, kind, name, app, state, lastAt }: Held): Difference {
  return { account, kind, name, app, metered: state, reported: undefined, lastAt };
}

/** Brings back what ended and was not reported on since, from when the source was heard again. */
async function bringBack(context: Context, now: Date, silence: EndedSilence): Promise<void> {
  for (let after = ''; ;) {
    const chunk = await accountsOfEnds(context.db, silence, after, CHUNK_ACCOUNTS);
    const last = chunk.at(-1);
    if (last === undefined) return;
    await underLock(context.db, chunk, async (tx) => {
      const returns = await findReturns(tx, silence, toSecond(now), chunk);
      const { heardAgainAt } = silence;
      const corrections = returns.map((one) =>
        correction('heard_again', silence, one, heardAgainAt),
      );
      await recordAll(context.record, tx, now, corrections);
    });
    after = last;
  }
}

function correction(
  cause: Cause,
  { source, beganAt }: Silence,
  difference: Difference,
  earliest: Second,
): Correction {
  const last = difference.lastAt?.second ?? earliest - 1n;
  const at = instantOf(later(earliest, last + 1n));
  return correctionOf({ source, cause, of: instantOf(beganAt) }, difference, at);
}

function instantOf(second: Second): Instant {
  return { second, fraction: '' };
}

async function underLock(
  db: Db,
  accountIds: readonly string[],
  work: (tx: Db) => Promise<void>,
): Promise<void> {
  await db
    .transaction()
    .setIsolationLevel('read committed')
    .execute(async (tx) => {
      await lockAccounts(tx, accountIds);
      await work(tx);
    });
}

async function recordAll(
  record: RecordWithin,
  tx: Db,
  now: Date,
  reports: readonly Correction[],
): Promise<void> {
  const outcomes = await record(tx, now, reports);
  assert(outcomes.every(isTaken), 'what ends or comes back was recorded before');
}

function isTaken({ status }: Outcome): boolean {
  return status === 'recorded' || status === 'duplicate';
}

async function tellAccounts(
  tx: Db,
  now: Date,
  { source, beganAt, policy }: Silence,
  accountIds: readonly string[],
): Promise<void> {
  const details = { source, silent_since: formatSecond(beganAt), policy };
  await addSignals(
    tx,
    now,
    accountIds.map((accountId) => ({ accountId, kind: 'usage.unconfirmed', details })),
  );
}
