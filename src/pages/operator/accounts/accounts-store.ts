import { sql, type RawBuilder } from 'kysely';
import type { Db } from '../../../database/pool.ts';
import type { Second } from '../../../values/instant.ts';

export type FoundAccount = {
  readonly accountId: string;
  readonly email: string;
  readonly signedUpAt: Second;
  readonly upgradedAt: Second | null;
  readonly deletedAt: Second | null;
  readonly pastDueSince: Date | null;
  /** Has invoices that are open or were given up. */
  readonly isOwing: boolean;
};

/** So that a page stays small, whatever they are called. */
export const ACCOUNTS_PER_PAGE = 25;

/**
 * Accounts whose id or e-mail address begins with a text, in the order of their ids after `after`; when there
 * are none, those that hold it anywhere, which reads all accounts.
 */
export async function searchAccounts(
  db: Db,
  text: string,
  after: string,
): Promise<readonly FoundAccount[]> {
  const pattern = text.replaceAll(/[\\%_]/g, String.raw`\$&`);
  const limit = sql`order by account_id limit ${ACCOUNTS_PER_PAGE + 1}`;
  const rest = sql`account_id > ${after}`;
  const byId = sql`select account_id from account where account_id like ${`${pattern}%`} and ${rest} ${limit}`;
  const byEmail = sql`select account_id from account
    where lower(email) collate "C" like lower(${`${pattern}%`}) and ${rest} ${limit}`;
  const found = await select(
    db,
    text === '' ? byId : sql`select * from ((${byId}) union (${byEmail})) either ${limit}`,
  );
  if (found.length > 0 || text === '') return found;
  return await select(
    db,
    sql`select account_id from account
      where (account_id ilike ${`%${pattern}%`} or email ilike ${`%${pattern}%`}) and ${rest} ${limit}`,
  );
}

export async function findAccountRow(db: Db, accountId: string): Promise<FoundAccount | undefined> {
  return (await select(db, sql`select ${accountId}::text as account_id`))[0];
}

async function select(db: Db, ids: RawBuilder<unknown>): Promise<readonly FoundAccount[]> {
  const { rows } = await sql<FoundAccount>`
    select account_id as "accountId", email, signed_up_at as "signedUpAt",
      upgraded_at as "upgradedAt", deleted_at as "deletedAt", past_due_since as "pastDueSince",
      exists (select from invoice where invoice.account_id = account.account_id
        and invoice.state in ('open', 'uncollectible')) as "isOwing"
    from (${ids}) found join account using (account_id) left join account_standing using (account_id)
    order by account_id`.execute(db);
  return rows;
}
