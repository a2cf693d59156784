import { Fault, type FaultKind } from '../values/fault.ts';

/** The exit codes of all commands; README lists them. 1 is a bug of ours, with its stack on stderr. */
const EXIT_CODES: Readonly<Record<FaultKind, number>> = {
  invalid: 2,
  not_found: 3,
  conflict: 4,
  limited: 5,
  unauthorized: 6,
  unavailable: 7,
};

export const EXIT_INVALID = EXIT_CODES.invalid;
/** What is stored is not what the facts say. */
export const EXIT_DIFFERENT = 8;

export function exitCodeOf(error: unknown): number {
  if (error instanceof Fault) return EXIT_CODES[error.kind];
  return isConnectionError(error) ? EXIT_CODES.unavailable : 1;
}

const CONNECTION_ERRORS = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'ETIMEDOUT',
  'EPIPE',
]);

/** Server away, or (class 57P) shutting down or starting up. */
function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  const code = String(error.code);
  return CONNECTION_ERRORS.has(code) || code.startsWith('57P');
}
