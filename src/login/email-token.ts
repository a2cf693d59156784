import { createHash, randomBytes } from 'node:crypto';
import { addSignals } from '../accounts/signals.ts';
import type { Db } from '../database/pool.ts';
import { Fault } from '../values/fault.ts';

/** What a token that was sent to an address lets its reader do. */
export type TokenPurpose = 'confirm_email' | 'reset_password';

const LIFETIME_MS: Readonly<Record<TokenPurpose, number>> = {
  confirm_email: 3 * 86_400_000,
  reset_password: 3_600_000,
};
/** So that nobody's mailbox is filled by others. */
const MOST_PER_HOUR = 5;
const HOUR_MS = 3_600_000;

/**
 * Has a token sent to the account's address: it leaves as a signal for the operator's mailer, and only its
 * hash stays. Nothing is sent, and nobody told, when too many were sent within an hour.
 */
export async function sendToken(
  tx: Db,
  now: Date,
  account: { readonly id: string; readonly email: string },
  purpose: TokenPurpose,
): Promise<void> {
  if ((await sentWithinHour(tx, now, account.id, purpose)) >= MOST_PER_HOUR) return;
  await tx
    .deleteFrom('email_token')
    .where('account_id', '=', account.id)
    .where('expires_at', '<', new Date(now.getTime() - HOUR_MS))
    .execute();
  const token = randomBytes(32).toString('base64url');
  const expiresAt = new Date(now.getTime() + LIFETIME_MS[purpose]);
  await tx
    .insertInto('email_token')
    .values({
      account_id: account.id,
      token_sha256: hashOf(token),
      purpose,
      created_at: now,
      expires_at: expiresAt,
    })
    .execute();
  const details = { email: account.email, token, expires_at: expiresAt.toISOString() };
  await addSignals(tx, now, [{ accountId: account.id, kind: `email.${purpose}`, details }]);
}

/** Whose token it is; it works once. @throws Fault `token_invalid`. */
export async function useToken(
  tx: Db,
  now: Date,
  token: string,
  purpose: TokenPurpose,
): Promise<string> {
  const used = await tx
    .updateTable('email_token')
    .set({ used_at: now })
    .where('token_sha256', '=', hashOf(token))
    .where('purpose', '=', purpose)
    .where('used_at', 'is', null)
    .where('expires_at', '>', now)
    .returning('account_id')
    .executeTakeFirst();
  if (used === undefined) {
    throw new Fault('invalid', 'token_invalid', 'is unknown, used already or expired');
  }
  return used.account_id;
}

async function sentWithinHour(
  tx: Db,
  now: Date,
  accountId: string,
  purpose: TokenPurpose,
): Promise<number> {
  const { count } = await tx
    .selectFrom('email_token')
    .select((select) => select.fn.countAll<bigint>().as('count'))
    .where('account_id', '=', accountId)
    .where('purpose', '=', purpose)
    .where('created_at', '>', new Date(now.getTime() - HOUR_MS))
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** 32 random bytes need no slow hash; looked up by hash, no comparison tells how near a guess was. */
function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
