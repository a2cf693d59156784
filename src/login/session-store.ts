import { createHash, randomBytes } from 'node:crypto';
import { sql, type Selectable } from 'kysely';
import { isScope, SCOPES, type ApiKey, type Scope } from '../accounts/api-key.ts';
import { findUsableKey } from '../accounts/api-key-store.ts';
import type { Db } from '../database/pool.ts';
import type { PageSession } from '../database/tables.ts';
import { useSignInLink } from './sign-in-link.ts';

/** Who looks at pages in a browser. */
export type Session = {
  /** The only account it sees; undefined for an operator's. */
  readonly accountId: string | undefined;
  readonly scopes: readonly Scope[];
  /** How its owner is named where who did something is written down. */
  readonly actor: string;
  /** Not included. */
  readonly expiresAt: Date;
};

/** With the secret that goes into the browser's cookie: only its hash is kept. */
export type OpenedSession = Session & { readonly secret: string };

const LIFETIME_MS = 12 * 3_600_000;
const KEPT_AFTER_END_MS = 30 * 86_400_000;
const SECRET = /^[A-Za-z0-9_-]{43}$/;

/** Exchanges an API key for a session, which ends with the key. Undefined for a key that is not good. */
export async function openSessionByKey(
  db: Db,
  now: Date,
  secret: string,
): Promise<OpenedSession | undefined> {
  const key = await findUsableKey(db, now, secret);
  if (key === undefined) return undefined;
  const { accountId, scopes, keyId } = key;
  return await openSession(db, now, { accountId, scopes, actor: keyId }, key);
}

/** Exchanges a link for a session; a link works once. Undefined for one that is used, expired or unknown. */
export async function openSessionByLink(
  db: Db,
  now: Date,
  token: string,
): Promise<OpenedSession | undefined> {
  const link = await useSignInLink(db, now, token);
  if (link === undefined) return undefined;
  const scopes: readonly Scope[] = link.accountId === undefined ? SCOPES : ['read'];
  return await openSession(db, now, { ...link, scopes }, undefined);
}

async function openSession(
  db: Db,
  now: Date,
  session: Omit<Session, 'expiresAt'>,
  key: ApiKey | undefined,
): Promise<OpenedSession> {
  await db
    .deleteFrom('page_session')
    .where('expires_at', '<', new Date(now.getTime() - KEPT_AFTER_END_MS))
    .execute();
  const secret = randomBytes(32).toString('base64url');
  const expiresAt = new Date(now.getTime() + LIFETIME_MS);
  await db
    .insertInto('page_session')
    .values({
      session_sha256: hashOf(secret),
      account_id: session.accountId ?? null,
      scopes: [...session.scopes],
      actor: session.actor,
      key_id: key?.keyId ?? null,
      created_at: now,
      expires_at: expiresAt,
    })
    .execute();
  return { ...session, expiresAt, secret };
}

/**
 * The session a cookie belongs to, when it is good now: not ended or expired, the key it came from not
 * revoked or expired, its account not deleted. Asks the database each time, so that an end counts at once.
 */
export async function findSession(db: Db, now: Date, secret: string): Promise<Session | undefined> {
  if (!SECRET.test(secret)) return undefined;
  const { rows } = await sql<Selectable<PageSession>>`/* prepare find_page_session */
    select page_session.* from page_session
    left join account on account.account_id = page_session.account_id
    left join api_key on api_key.key_id = page_session.key_id
    where session_sha256 = ${hashOf(secret)} and ended_at is null
      and page_session.expires_at > ${now} and account.deleted_at is null
      and (page_session.key_id is null
        or (api_key.revoked_at is null and api_key.expires_at > ${now}))`.execute(db);
  const [row] = rows;
  return (
    row && {
      accountId: row.account_id ?? undefined,
      scopes: row.scopes.filter(isScope),
      actor: row.actor,
      expiresAt: row.expires_at,
    }
  );
}

/** Safe to repeat. */
export async function endSession(db: Db, now: Date, secret: string): Promise<void> {
  await db
    .updateTable('page_session')
    .set({ ended_at: now })
    .where('session_sha256', '=', hashOf(secret))
    .where('ended_at', 'is', null)
    .execute();
}

/** 32 random bytes need no slow hash; looked up by hash, no comparison tells how near a guess was. */
function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
