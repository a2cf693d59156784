import type { Account } from '../accounts/account.ts';
import { revokeAccountKeys } from '../accounts/api-key-store.ts';
import { findAccount } from '../accounts/store.ts';
import type { Db } from '../database/pool.ts';
import { assert } from '../values/fault.ts';
import { sendToken, useToken, type TokenPurpose } from './email-token.ts';
import { findAccountByEmail, saveLogin } from './login-store.ts';
import { hashPassword, requireFitPassword } from './password.ts';
import { recordOwn, type LoginContext } from './sign-up.ts';

/**
 * Has a token sent to an address, if it is an account's. The answer is the same when it is nobody's, or
 * confirmed already: this is no way to find out who has an account.
 */
export async function requestToken(
  { db, clock }: Pick<LoginContext, 'db' | 'clock'>,
  email: string,
  purpose: TokenPurpose,
): Promise<void> {
  const account = await findAccountByEmail(db, email);
  if (account === undefined) return;
  if (purpose === 'confirm_email' && account.confirmedAt !== undefined) return;
  await db.transaction().execute(async (tx) => {
    await sendToken(tx, clock(), account, purpose);
  });
}

/** Confirms the address a token was sent to (R24). @throws Fault `token_invalid`. */
export async function confirmEmail(
  { db, clock, record }: LoginContext,
  token: string,
): Promise<{ readonly accountId: string }> {
  return await db.transaction().execute(async (tx) => {
    const now = clock();
    const account = await ownerOf(tx, await useToken(tx, now, token, 'confirm_email'));
    await recordOwn({ record, tx, now }, account, { type: 'account.confirmed' });
    return { accountId: account.id };
  });
}

/**
 * Sets a new password with a token that was sent to the account's address, and ends all its API keys: who
 * has to reset a password may have lost the keys as well.
 *
 * @throws Fault `token_invalid`, `password_unfit`.
 */
export async function resetPassword(
  { db, clock }: Pick<LoginContext, 'db' | 'clock'>,
  { token, password }: { readonly token: string; readonly password: string },
): Promise<void> {
  requireFitPassword(password);
  const passwordHash = await hashPassword(password);
  await db.transaction().execute(async (tx) => {
    const now = clock();
    const account = await ownerOf(tx, await useToken(tx, now, token, 'reset_password'));
    await saveLogin(tx, now, account, passwordHash);
    await revokeAccountKeys(tx, now, account.id);
  });
}

async function ownerOf(tx: Db, accountId: string): Promise<Account> {
  const account = await findAccount(tx, accountId);
  assert(account !== undefined, 'a token belongs to an account');
  return account;
}
