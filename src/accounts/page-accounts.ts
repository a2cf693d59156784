import type { Db } from '../database/pool.ts';
import type { Account } from './account.ts';
import { toAccount } from './store.ts';

/** A page of all accounts in the order of their ids, after `after`; deleted ones too. */
export async function pageAccounts(
  db: Db,
  { after, limit }: { readonly after: string | undefined; readonly limit: number },
): Promise<Account[]> {
  let query = db.selectFrom('account').selectAll().orderBy('account_id').limit(limit);
  if (after !== undefined) query = query.where('account_id', '>', after);
  return (await query.execute()).map(toAccount);
}
