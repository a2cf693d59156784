export const IDENTIFIER_RULE = '1 to 200 printable characters without control characters';

// Control characters, lone surrogates and line separators: they split log lines or cannot be stored.
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u;

/** Ids of accounts, apps, databases, jobs, sources and events; kept exactly as they are. */
export function isIdentifier(value: unknown): value is string {
  if (typeof value !== 'string' || value.length === 0 || value.length > 400) return false;
  if (UNPRINTABLE.test(value)) return false;
  // A character takes one or two places: only long ones need counting.
  return value.length <= 200 || Array.from(value).length <= 200;
}

/**
 * Ids of events, sources and sequences are shorter: they stand beside an account and a resource in one index,
 * whose rows PostgreSQL allows 2,704 bytes.
 */
const SHORT_BYTES = 300;
export const SHORT_IDENTIFIER_RULE = `${IDENTIFIER_RULE}, at most ${SHORT_BYTES} bytes in UTF-8`;

export function isShortIdentifier(value: unknown): value is string {
  return isIdentifier(value) && Buffer.byteLength(value) <= SHORT_BYTES;
}
