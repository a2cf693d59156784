import { sql } from 'kysely';
import { textArray } from '../database/arrays.ts';
import type { Db } from '../database/pool.ts';
import type { Second } from '../values/instant.ts';

/** A time in which nobody confirmed what ran of a source: it is billed as it was last reported. */
export type Unconfirmed = {
  readonly source: string;
  readonly from: Second;
  /** When the source was heard again; undefined while it is silent. */
  readonly to: Second | undefined;
};

type Silence = { readonly source: string; readonly beganAt: Second };

/** What flagged silences reach into [from, to) of an account, the earliest first. */
export async function unconfirmedOf(
  db: Db,
  accountId: string,
  { from, to }: { readonly from: Second; readonly to: Second },
): Promise<readonly Unconfirmed[]> {
  const rows = await db
    .selectFrom('unconfirmed_usage')
    .select(['source', 'began_at', 'ended_at'])
    .where('account_id', '=', accountId)
    .where('began_at', '<', to)
    .where((where) => where.or([where('ended_at', 'is', null), where('ended_at', '>', from)]))
    .orderBy('began_at')
    .orderBy('source')
    .execute();
  return rows.map((row) => ({
    source: row.source,
    from: row.began_at,
    to: row.ended_at ?? undefined,
  }));
}

/** Flags accounts by a silence. Safe to repeat. */
export async function flagAccounts(
  tx: Db,
  { source, beganAt }: Silence,
  accountIds: readonly string[],
): Promise<void> {
  await sql`
    insert into unconfirmed_usage (account_id, source, began_at)
    select account_id, ${source}, ${beganAt}
    from unnest(${textArray(accountIds)}::text[]) as account_id
    on conflict do nothing`.execute(tx);
}

/** What ran is confirmed from now on: the source was heard again. */
export async function endFlags(
  tx: Db,
  { source, beganAt, heardAgainAt }: Silence & { readonly heardAgainAt: Second },
): Promise<void> {
  await tx
    .updateTable('unconfirmed_usage')
    .set({ ended_at: heardAgainAt })
    .where('source', '=', source)
    .where('began_at', '=', beganAt)
    .where('ended_at', 'is', null)
    .execute();
}
