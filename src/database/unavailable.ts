/** Server away, or its connection lost. */
const CONNECTION_ERRORS = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'ETIMEDOUT',
  'EPIPE',
]);

/**
 * SQLSTATE classes that say "not now": connection lost (08), serialisation failure or deadlock (40), out of
 * connections, memory or disk (53), lock or statement waited for too long (55, 57).
 */
const NOT_NOW = /^(08|40|53|55|57)[0-9A-Z]{3}$/;
/** A stand-by after a failover. */
const READ_ONLY = '25006';
/** What pg and its pool say without a code. */
const CODELESS =
  /^(Connection terminated|timeout exceeded when trying to connect|Client .* is not queryable)/;

/** Whether a query failed because the database cannot do it right now, not because it is wrong. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? error.code : undefined;
  if (typeof code !== 'string') return CODELESS.test(error.message);
  return CONNECTION_ERRORS.has(code) || NOT_NOW.test(code) || code === READ_ONLY;
}

/** Whether a lock that somebody else held was waited for too long. */
export function isLockTimeout(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '55P03';
}
