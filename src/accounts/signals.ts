import { randomUUID } from 'node:crypto';
import type { Db } from '../database/pool.ts';

/** The account of signals that are about the platform itself. */
export const NO_ACCOUNT = '';

/** Something the platform is told about an account; it acts, we do not (D12). */
export type Signal = {
  readonly accountId: string;
  /** `thing.what_happened` or `thing.what_is_requested`. */
  readonly kind: string;
  readonly details: Readonly<Record<string, unknown>>;
};

/** Leaves signals for delivery, in the transaction of what they tell about. */
export async function addSignals(tx: Db, now: Date, signals: readonly Signal[]): Promise<void> {
  if (signals.length === 0) return;
  await tx
    .insertInto('signal')
    .values(
      signals.map(({ accountId, kind, details }) => ({
        account_id: accountId,
        signal_id: randomUUID(),
        kind,
        details: JSON.stringify(details),
        created_at: now,
      })),
    )
    .execute();
}
