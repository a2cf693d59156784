export type FaultKind =
  'invalid' | 'unauthorized' | 'not_found' | 'conflict' | 'limited' | 'unavailable';

/**
 * What went wrong for a caller, as opposed to a bug. Each edge maps `kind` in one exhaustive table
 * (HTTP status, retry or not, exit code). `code` is stable for programs; `message` is for people and
 * says what was wrong with which value and what would be right.
 */
export class Fault extends Error {
  readonly kind: FaultKind;
  readonly code: string;
  /** When the same may succeed, where that is known. */
  readonly retryAfterSeconds: number | undefined;

  constructor(kind: FaultKind, code: string, message: string, retryAfterSeconds?: number) {
    super(message);
    this.name = 'Fault';
    this.kind = kind;
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** An empty page instead would look like the end of the list. */
export function cursorUnknown(after: string): Fault {
  const rule = 'must be `next` of the page before';
  return new Fault('invalid', 'cursor_unknown', `after is ${JSON.stringify(after)}; it ${rule}`);
}

/** A broken invariant of our own: crashes loudly instead of billing something wrong. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${message}`);
}
