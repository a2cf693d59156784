import { sql } from 'kysely';
import type { Db } from '../../database/pool.ts';
import { formatSecond, type Second } from '../../values/instant.ts';

/** What of an account's events is archived. */
export type ArchivedPart = {
  /** What is billed of the time from then on rests on events that are all in the database. */
  readonly settledAt: Second;
  /** How many events left with each month, oldest first. */
  readonly months: readonly {
    readonly month: string;
    readonly file: string;
    readonly events: bigint;
  }[];
};

/** Undefined when nothing is. */
export async function findArchivedPart(
  db: Db,
  accountId: string,
): Promise<ArchivedPart | undefined> {
  const { rows } = await sql<ArchivedPart['months'][number] & { readonly settledAt: Second }>`
    select month, file, events, settled_at as "settledAt"
    from archived_account join archived_month using (month) join account using (account_id)
    where account_id = ${accountId} order by month`.execute(db);
  const [first] = rows;
  return first && { settledAt: first.settledAt, months: rows };
}

/** In words: where facts of a period are, from the month it starts in on, at most three of them. */
export function whereArchived({ months }: ArchivedPart, periodStart: Second): string {
  const since = formatSecond(periodStart).slice(0, 7);
  const of = months.filter(({ month }) => month >= since);
  const near = of.length === 0 ? months.slice(-1) : of;
  const named = near.slice(0, 3).map(({ month, file }) => `${month} (${file})`);
  return `facts are archived: ${named.join(', ')}${near.length > 3 ? ' and later ones' : ''}`;
}
