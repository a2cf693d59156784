import { sql } from 'kysely';
import type { Db } from '../../database/pool.ts';
import type { Second } from '../../values/instant.ts';

export type FoundAccount = {
  readonly accountId: string;
  readonly email: string;
  readonly signedUpAt: Second;
  readonly upgradedAt: Second | null;
  readonly deletedAt: Second | null;
  readonly pastDueSince: Date | null;
};

/** Accounts whose id begins with a text, or whose e-mail address it is; else those that hold it anywhere. */
export async function searchAccounts(
  db: Db,
  text: string,
  limit: number,
): Promise<readonly FoundAccount[]> {
  const pattern = text.replaceAll(/[\\%_]/g, String.raw`\$&`);
  const exact = await select(
    db,
    sql<boolean>`account_id like ${`${pattern}%`} or lower(email) = lower(${text})`,
    limit,
  );
  if (exact.length > 0) return exact;
  return await select(
    db,
    sql<boolean>`account_id ilike ${`%${pattern}%`} or email ilike ${`%${pattern}%`}`,
    limit,
  );
}

export async function findAccountRow(db: Db, accountId: string): Promise<FoundAccount | undefined> {
  return (await select(db, sql<boolean>`account_id = ${accountId}`, 1))[0];
}

async function select(
  db: Db,
  condition: ReturnType<typeof sql<boolean>>,
  limit: number,
): Promise<readonly FoundAccount[]> {
  const { rows } = await sql<FoundAccount>`
    select account_id as "accountId", email, signed_up_at as "signedUpAt",
      upgraded_at as "upgradedAt", deleted_at as "deletedAt", past_due_since as "pastDueSince"
    from account left join account_standing using (account_id)
    where ${condition} order by account_id limit ${limit}`.execute(db);
  return rows;
}
