import { timingSafeEqual } from 'node:crypto';
import { sql, type Selectable } from 'kysely';
import type { Db } from '../database/pool.ts';
import type { ApiKey as ApiKeyTable } from '../database/tables.ts';
import { Fault } from '../values/fault.ts';
import {
  expiryOf,
  hashSecret,
  isScope,
  isUsable,
  newSecret,
  type ApiKey,
  type Scope,
} from './api-key.ts';

/** A key as it is handed out: `secret` is shown this once and never again. */
export type IssuedKey = ApiKey & { readonly secret: string };

/** How coarsely the last use is noted, so that reading does not mean writing. */
const LAST_USED_MINUTES = 10;

/** @throws Fault `invalid` when no scope is given. */
export async function issueOperatorKey(
  db: Db,
  now: Date,
  key: { readonly scopes: readonly Scope[]; readonly label: string },
): Promise<IssuedKey> {
  if (key.scopes.length === 0) {
    throw new Fault('invalid', 'scope_required', 'a key needs at least one scope');
  }
  return await issueKey(db, now, { ...key, accountId: undefined });
}

/** A key for one account: its owner's password on /api, reading on /v1. Earlier ones stay good (R50). */
export async function issueAccountKey(
  db: Db,
  now: Date,
  accountId: string,
  label: string,
): Promise<IssuedKey> {
  return await issueKey(db, now, { accountId, label, scopes: ['read'] });
}

async function issueKey(
  db: Db,
  now: Date,
  key: Pick<ApiKey, 'accountId' | 'scopes' | 'label'>,
): Promise<IssuedKey> {
  const { keyId, secret } = newSecret();
  const row = await db
    .insertInto('api_key')
    .values({
      key_id: keyId,
      key_sha256: hashSecret(secret)!,
      account_id: key.accountId ?? null,
      scopes: [...new Set(key.scopes)],
      label: key.label,
      created_at: now,
      expires_at: expiryOf(now),
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  return { ...toApiKey(row), secret };
}

/**
 * The key a secret belongs to, when it is good now: known, not expired, not revoked, and its account not
 * deleted. Asks the database each time, so that a revocation counts at once everywhere.
 */
export async function findUsableKey(
  db: Db,
  now: Date,
  secret: string,
): Promise<ApiKey | undefined> {
  const digest = hashSecret(secret);
  if (digest === undefined) return undefined;
  const { rows } = await sql<KeyRow>`
    /* prepare find_api_key */
    select api_key.* from api_key left join account using (account_id)
    where key_sha256 = ${digest} and account.deleted_at is null`.execute(db);
  const row = rows[0];
  if (row === undefined || !timingSafeEqual(row.key_sha256, digest)) return undefined;
  const key = toApiKey(row);
  if (!isUsable(key, now)) return undefined;
  await noteUse(db, now, key);
  return key;
}

async function noteUse(db: Db, now: Date, { keyId, lastUsedAt }: ApiKey): Promise<void> {
  const noteBefore = now.getTime() - LAST_USED_MINUTES * 60_000;
  if (lastUsedAt !== undefined && lastUsedAt.getTime() > noteBefore) return;
  await db
    .updateTable('api_key')
    .set({ last_used_at: now })
    .where('key_id', '=', keyId)
    .where((where) =>
      where.or([
        where('last_used_at', 'is', null),
        where('last_used_at', '<=', new Date(noteBefore)),
      ]),
    )
    .execute();
}

/** All keys, of one account or of the operators, newest last. */
export async function listKeys(db: Db, accountId: string | undefined): Promise<ApiKey[]> {
  const rows = await db
    .selectFrom('api_key')
    .selectAll()
    .where('account_id', accountId === undefined ? 'is' : '=', accountId ?? null)
    .orderBy('created_at')
    .orderBy('key_id')
    .execute();
  return rows.map(toApiKey);
}

/** Ends a key at once; answers whether it was good until now. @throws Fault `key_unknown`. */
export async function revokeKey(db: Db, now: Date, keyId: string): Promise<boolean> {
  const row = await db
    .selectFrom('api_key')
    .select('revoked_at')
    .where('key_id', '=', keyId)
    .executeTakeFirst();
  if (row === undefined) {
    throw new Fault('not_found', 'key_unknown', `there is no key ${JSON.stringify(keyId)}`);
  }
  const revoked = await db
    .updateTable('api_key')
    .set({ revoked_at: now })
    .where('key_id', '=', keyId)
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
  return revoked.numUpdatedRows > 0n;
}

/** Ends all keys of an account at once (R50); answers how many. */
export async function revokeAccountKeys(db: Db, now: Date, accountId: string): Promise<number> {
  const revoked = await db
    .updateTable('api_key')
    .set({ revoked_at: now })
    .where('account_id', '=', accountId)
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
  return Number(revoked.numUpdatedRows);
}

type KeyRow = Selectable<ApiKeyTable>;

function toApiKey(row: KeyRow): ApiKey {
  return {
    keyId: row.key_id,
    accountId: row.account_id ?? undefined,
    scopes: row.scopes.filter(isScope),
    label: row.label,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at ?? undefined,
    lastUsedAt: row.last_used_at ?? undefined,
  };
}
