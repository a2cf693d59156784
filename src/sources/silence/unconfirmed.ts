import { sql, type RawBuilder } from 'kysely';
import { textArray } from '../../database/arrays.ts';
import type { Db } from '../../database/pool.ts';
import type { Window } from '../../metering/usage/usage.ts';
import type { Second } from '../../values/instant.ts';

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
  { from, to }: Window,
): Promise<readonly Unconfirmed[]> {
  const window = { from: sql<Second>`${from}::bigint`, to: sql<Second>`${to}::bigint` };
  const { rows } = await sql<{ readonly times: readonly UnconfirmedJson[] }>`
    select ${unconfirmedWithin(accountId, window)} as times`.execute(db);
  return toUnconfirmed(rows[0]!.times);
}

/** That as a column, for a statement that reads more about the account; `toUnconfirmed` reads it. */
export function unconfirmedWithin(
  accountId: string,
  { from, to }: { readonly from: RawBuilder<Second>; readonly to: RawBuilder<Second> },
): RawBuilder<readonly UnconfirmedJson[]> {
  return sql`array(
    select json_build_object('source', source, 'from', began_at::text, 'to', ended_at::text)
    from unconfirmed_usage
    where account_id = ${accountId} and began_at < ${to} and (ended_at is null or ended_at > ${from})
    order by began_at, source)`;
}

export type UnconfirmedJson = {
  readonly source: string;
  readonly from: string;
  readonly to: string | null;
};

export function toUnconfirmed(times: readonly UnconfirmedJson[]): readonly Unconfirmed[] {
  return times.map(({ source, from, to }) => ({
    source,
    from: BigInt(from),
    to: to === null ? undefined : BigInt(to),
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
