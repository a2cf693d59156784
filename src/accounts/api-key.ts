import { createHash, randomBytes } from 'node:crypto';

/**
 * What an operator key may do. ingest: report events; read: see everything; billing: credits, refunds,
 * cards, upgrades; admin: create, confirm and delete accounts.
 */
export const SCOPES = ['ingest', 'read', 'billing', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

export function isScope(text: string): text is Scope {
  return SCOPES.some((scope) => scope === text);
}

/** What may be shown of a key: all but the key itself, which only its owner has. */
export type ApiKey = {
  readonly keyId: string;
  /** The only account it is good for, reading only; undefined for an operator's key. */
  readonly accountId: string | undefined;
  readonly scopes: readonly Scope[];
  readonly label: string;
  readonly createdAt: Date;
  /** Not included. */
  readonly expiresAt: Date;
  readonly revokedAt: Date | undefined;
  /** To within ten minutes. */
  readonly lastUsedAt: Date | undefined;
};

export type NewSecret = { readonly keyId: string; readonly secret: string };

const SECRET = /^gm_[A-Za-z0-9_-]{43}$/;
const LIFETIME_DAYS = 365;

/** 32 random bytes need no slow hash: nobody can try them all. The prefix lets scanners find leaked keys. */
export function newSecret(): NewSecret {
  return {
    keyId: `key_${randomBytes(9).toString('base64url')}`,
    secret: `gm_${randomBytes(32).toString('base64url')}`,
  };
}

/** What is stored of a key; undefined for a text that is none. */
export function hashSecret(secret: string): Buffer | undefined {
  return SECRET.test(secret) ? createHash('sha256').update(secret).digest() : undefined;
}

/** Keys are good for 365 days (R50). */
export function expiryOf(createdAt: Date): Date {
  return new Date(createdAt.getTime() + LIFETIME_DAYS * 86_400_000);
}

/** The instant of expiry is expired already. */
export function isUsable(key: Pick<ApiKey, 'expiresAt' | 'revokedAt'>, now: Date): boolean {
  return now < key.expiresAt && key.revokedAt === undefined;
}
