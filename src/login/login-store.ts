import { sql } from 'kysely';
import { findAccount } from '../accounts/store.ts';
import type { Account } from '../accounts/account.ts';
import type { Db } from '../database/pool.ts';
import { Fault } from '../values/fault.ts';

/** E-mail addresses are compared without regard to case; this is the form they are looked up by. */
export function emailKey(email: string): string {
  return email.trim().toLowerCase();
}

export type Login = { readonly account: Account; readonly passwordHash: string };

/** The live account that logs in with an address. */
export async function findLogin(db: Db, email: string): Promise<Login | undefined> {
  const row = await db
    .selectFrom('login')
    .select(['account_id', 'password_hash'])
    .where('email', '=', emailKey(email))
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const account = await findAccount(db, row.account_id);
  if (account === undefined || account.deletedAt !== undefined) return undefined;
  return { account, passwordHash: row.password_hash };
}

/**
 * The account an address belongs to: the one that logs in with it, else the only live one that was created
 * for it by an operator or event, and has no password yet.
 */
export async function findAccountByEmail(db: Db, email: string): Promise<Account | undefined> {
  const login = await findLogin(db, email);
  if (login !== undefined) return login.account;
  const rows = await accountsOf(db, email);
  return rows.length === 1 ? await findAccount(db, rows[0]!.account_id) : undefined;
}

/** @throws Fault `email_taken` when a live account has the address. */
export async function requireFreeEmail(db: Db, email: string): Promise<void> {
  if ((await accountsOf(db, email)).length > 0) throw emailTaken();
}

/** Sets the password an account logs in with. @throws Fault `email_taken`. */
export async function saveLogin(
  tx: Db,
  now: Date,
  account: Pick<Account, 'id' | 'email'>,
  passwordHash: string,
): Promise<void> {
  const login = { password_hash: passwordHash, changed_at: now };
  await removeStale(tx, account.email);
  const saved = await tx
    .insertInto('login')
    .values({ account_id: account.id, email: emailKey(account.email), ...login })
    .onConflict((conflict) => conflict.doNothing())
    .returning('account_id')
    .executeTakeFirst();
  if (saved !== undefined) return;
  const changed = await tx
    .updateTable('login')
    .set(login)
    .where('account_id', '=', account.id)
    .returning('account_id')
    .executeTakeFirst();
  if (changed === undefined) throw emailTaken();
}

/** The address of a deleted account is free again, however it was deleted. */
async function removeStale(tx: Db, email: string): Promise<void> {
  await tx
    .deleteFrom('login')
    .using('account')
    .whereRef('account.account_id', '=', 'login.account_id')
    .where('login.email', '=', emailKey(email))
    .where('account.deleted_at', 'is not', null)
    .execute();
}

async function accountsOf(db: Db, email: string) {
  return await db
    .selectFrom('account')
    .select('account_id')
    .where(sql<boolean>`lower(email) = ${emailKey(email)} and deleted_at is null`)
    .limit(2)
    .execute();
}

function emailTaken(): Fault {
  return new Fault('conflict', 'email_taken', 'has already been taken');
}
