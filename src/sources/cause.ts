import { formatSecond, type Instant } from '../values/instant.ts';

export const CAUSES = ['snapshot', 'silence', 'heard_again'] as const;

/** Why the meter reported something in a source's name: to agree with its snapshot, or since it was silent. */
export type Cause = (typeof CAUSES)[number];

/** `digest` is of what is corrected, 32 hexadecimal digits: names may be longer than an id may be. */
export function correctiveId(cause: Cause, of: Instant, digest: string): string {
  return `${cause} ${formatSecond(of.second)} ${of.fraction || '0'} ${digest}`;
}

const CORRECTIVE_ID = new RegExp(
  String.raw`^(${CAUSES.join('|')}) \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \d+ [0-9a-f]{32}$`,
);

/** The cause of an event by its id, the inverse of `correctiveId`; undefined for what a source reported itself. */
export function causeOf(eventId: string): Cause | undefined {
  const [, cause] = CORRECTIVE_ID.exec(eventId) ?? [];
  return CAUSES.find((one) => one === cause);
}
