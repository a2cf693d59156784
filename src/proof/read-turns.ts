import { sql } from 'kysely';
import type { Account } from '../accounts/account.ts';
import { firstOf, type Known } from '../invoicing/explaining/level-events.ts';
import { UnreadableEvent } from '../metering/series/event-row.ts';
import type { Second } from '../values/instant.ts';
import type { Facts } from './facts.ts';

/** A report of what an account's bill begins, is charged from, or ends with. */
export type Turn = Known & {
  readonly type: 'account.created' | 'account.upgraded' | 'account.deleted';
  readonly at: Second;
};

/** In their order. */
export async function readTurns({ tx, rows }: Facts): Promise<readonly Turn[]> {
  const { rows: turns } = await sql<Turn>`
    select type, at, recording, superseded_in as "supersededIn" from ${rows} fact
    where type in ('account.created', 'account.upgraded', 'account.deleted') order by at`.execute(
    tx,
  );
  return turns;
}

/** By what counted at `knownBy`: of each, the earliest report holds. */
export function turnsBy(
  turns: readonly Turn[],
  knownBy: bigint,
): Pick<Account, 'signedUpAt' | 'upgradedAt' | 'deletedAt'> {
  const first = (type: Turn['type']): Second | undefined => firstOf(turns, type, knownBy);
  const signedUpAt = first('account.created');
  if (signedUpAt === undefined) throw new UnreadableEvent('the sign-up is not among the facts');
  return {
    signedUpAt,
    upgradedAt: first('account.upgraded'),
    deletedAt: first('account.deleted'),
  };
}
