import { createHash, randomBytes } from 'node:crypto';
import type { Db } from '../database/pool.ts';

/** Whom a link signs in: the owner of an account, or an operator. */
export type SignIn = { readonly accountId: string | undefined; readonly actor: string };

const LIFETIME_MS = 15 * 60_000;
const KEPT_AFTER_EXPIRY_MS = 30 * 86_400_000;

/** The path of a new link that signs in once, within a quarter of an hour unless `lifetimeMs` says otherwise. */
export async function makeSignInLink(
  db: Db,
  now: Date,
  { accountId, actor }: SignIn,
  lifetimeMs = LIFETIME_MS,
): Promise<{ readonly path: string; readonly expiresAt: Date }> {
  await db
    .deleteFrom('sign_in_link')
    .where('expires_at', '<', new Date(now.getTime() - KEPT_AFTER_EXPIRY_MS))
    .execute();
  const token = randomBytes(32).toString('base64url');
  const expiresAt = new Date(now.getTime() + lifetimeMs);
  await db
    .insertInto('sign_in_link')
    .values({
      token_sha256: hashOf(token),
      account_id: accountId ?? null,
      actor,
      created_at: now,
      expires_at: expiresAt,
    })
    .execute();
  return { path: `/sign-in?token=${token}`, expiresAt };
}

/** Whom a link would sign in; undefined when it is used, expired or unknown. Looking does not use it. */
export async function findSignInLink(
  db: Db,
  now: Date,
  token: string,
): Promise<SignIn | undefined> {
  const row = await db
    .selectFrom('sign_in_link')
    .select(['account_id', 'actor'])
    .where('token_sha256', '=', hashOf(token))
    .where('used_at', 'is', null)
    .where('expires_at', '>', now)
    .executeTakeFirst();
  return row && { accountId: row.account_id ?? undefined, actor: row.actor };
}

/** Uses a link up: of two at once, one gets it. */
export async function useSignInLink(db: Db, now: Date, token: string): Promise<SignIn | undefined> {
  const row = await db
    .updateTable('sign_in_link')
    .set({ used_at: now })
    .where('token_sha256', '=', hashOf(token))
    .where('used_at', 'is', null)
    .where('expires_at', '>', now)
    .returning(['account_id', 'actor'])
    .executeTakeFirst();
  return row && { accountId: row.account_id ?? undefined, actor: row.actor };
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
