import { findUsableKey } from '../accounts/api-key-store.ts';
import type { Account } from '../accounts/account.ts';
import { findAccount } from '../accounts/store.ts';
import type { Db } from '../database/pool.ts';
import type { Clock } from '../values/clock.ts';
import { Fault } from '../values/fault.ts';
import { emailKey, findLogin, saveLogin } from './login-store.ts';
import { hashPassword, isPassword, requireFitPassword } from './password.ts';

/** What somebody sends to say who they are: an address with a password or an API key. */
export type Credentials = { readonly email: string; readonly secret: string };

type Context = { readonly db: Db; readonly clock: Clock };

/**
 * The account whose API key this is, with its own address. Keys of operators are for no account.
 *
 * @throws Fault `credentials_wrong`.
 */
export async function authenticateKey(
  { db, clock }: Context,
  { email, secret }: Credentials,
): Promise<Account> {
  const key = await findUsableKey(db, clock(), secret);
  if (key?.accountId === undefined) throw wrongCredentials();
  const account = await findAccount(db, key.accountId);
  if (account === undefined || account.deletedAt !== undefined) throw wrongCredentials();
  if (emailKey(account.email) !== emailKey(email)) throw wrongCredentials();
  return account;
}

/**
 * The account that logs in with one of these; a CLI may percent-encode what it sends, so there can be two.
 *
 * @throws Fault `credentials_wrong`, after the same time for unknown addresses as for wrong passwords.
 */
export async function authenticatePassword(
  { db }: Pick<Context, 'db'>,
  candidates: readonly Credentials[],
): Promise<Account> {
  for (const { email, secret } of candidates) {
    const login = await findLogin(db, email);
    if (await isPassword(secret, login?.passwordHash)) return login!.account;
  }
  throw wrongCredentials();
}

/** For a command that asks for the password once more. @throws Fault `password_wrong`. */
export async function requirePassword(
  { db }: Pick<Context, 'db'>,
  { email }: Pick<Account, 'email'>,
  password: string,
): Promise<void> {
  const login = await findLogin(db, email);
  if (await isPassword(password, login?.passwordHash)) return;
  throw new Fault('invalid', 'password_wrong', 'is not the account’s password');
}

/** API keys stay good. @throws Fault `password_unfit`. */
export async function changePassword(
  { db, clock }: Context,
  account: Account,
  newPassword: string,
): Promise<void> {
  requireFitPassword(newPassword);
  await saveLogin(db, clock(), account, await hashPassword(newPassword));
}

function wrongCredentials(): Fault {
  const message =
    'Wrong e-mail address, password or API key, or the key is expired. Log in for a new one.';
  return new Fault('unauthorized', 'credentials_wrong', message);
}
