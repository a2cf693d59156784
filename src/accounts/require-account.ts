import type { Db } from '../database/pool.ts';
import { Fault } from '../values/fault.ts';
import type { Account } from './account.ts';
import { findAccount } from './store.ts';

/** @throws Fault `account_unknown`. */
export async function requireAccount(db: Db, accountId: string): Promise<Account> {
  const account = await findAccount(db, accountId);
  if (account === undefined) throw unknownAccount(accountId);
  return account;
}

/**
 * The same for commands: nothing can be done with an account that was deleted.
 *
 * @throws Fault `account_unknown`.
 */
export async function requireLiveAccount(db: Db, accountId: string): Promise<Account> {
  const account = await requireAccount(db, accountId);
  if (account.deletedAt !== undefined) throw unknownAccount(accountId);
  return account;
}

export function unknownAccount(accountId: string): Fault {
  return new Fault('not_found', 'account_unknown', `there is no account ${accountId}`);
}
