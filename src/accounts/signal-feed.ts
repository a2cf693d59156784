import { sql } from 'kysely';
import { textArray } from '../database/arrays.ts';
import type { Db } from '../database/pool.ts';
import type { Signal } from './signals.ts';

/** Unique within its account. */
export type SignalName = { readonly accountId: string; readonly signalId: string };

export type WaitingSignal = Signal & SignalName & { readonly createdAt: Date };

/** Signals that nobody said to have received, in the order in which they were made. */
export async function listWaitingSignals(db: Db, limit: number): Promise<readonly WaitingSignal[]> {
  const { rows } = await sql<WaitingSignal>`
    /* prepare list_waiting_signals */
    select account_id as "accountId", signal_id as "signalId", kind, details, created_at as "createdAt"
    from signal where acknowledged_at is null
    order by position limit ${limit}`.execute(db);
  return rows;
}

/**
 * Notes that signals have arrived: they wait no more, and the tokens and codes they carried to somebody's
 * mailbox are forgotten. Answers how many waited until now; safe to repeat.
 */
export async function acknowledgeSignals(
  db: Db,
  now: Date,
  names: readonly SignalName[],
): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    /* prepare acknowledge_signals */
    update signal set acknowledged_at = ${now}, details = details - array['token', 'code']
    from unnest(
      ${textArray(names.map(({ accountId }) => accountId))}::text[],
      ${textArray(names.map(({ signalId }) => signalId))}::text[]
    ) as arrived (account_id, signal_id)
    where signal.account_id = arrived.account_id and signal.signal_id = arrived.signal_id
      and acknowledged_at is null`.execute(db);
  return Number(numAffectedRows);
}
