/** Whole seconds since 1970-01-01T00:00:00Z: the resolution of the meter (R5). */
export type Second = bigint;

/**
 * An instant as reported. `second` integrates; `fraction` (the decimals of the second, without
 * trailing zeros, '' for none) only orders events within one second (R5).
 */
export type Instant = { readonly second: Second; readonly fraction: string };

export const INSTANT_RULE =
  'an RFC 3339 instant with a zone, such as 2026-01-10T00:00:00Z or 2026-01-10T01:00:00.25+01:00';

const RFC_3339 =
  /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,30}))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;

/**
 * Reads an RFC 3339 instant; undefined when the text is none. Days that do not exist (2026-02-30),
 * leap seconds (:60) and a missing zone are refused, where `Date` would silently take another instant.
 */
export function parseInstant(text: string): Instant | undefined {
  const match = RFC_3339.exec(text);
  if (match === null) return undefined;
  const year = Number(match[1]);
  const month = Number(match[2]);
  const day = Number(match[3]);
  const hour = Number(match[4]);
  const minute = Number(match[5]);
  const second = Number(match[6]);
  const offsetHour = Number(match[9] ?? 0);
  const offsetMinute = Number(match[10] ?? 0);
  if (month < 1 || month > 12 || day < 1) return undefined;
  if (day > 28 && day > daysInMonth(year, month - 1)) return undefined;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  if (offsetHour > 23 || offsetMinute > 59) return undefined;
  const offset = (offsetHour * 60 + offsetMinute) * (match[8] === '-' ? -1 : 1);
  const utc = utcMs(year, month - 1, day, hour, minute - offset, second) / 1000;
  return { second: BigInt(utc), fraction: (match[7] ?? '').replace(/0+$/, '') };
}

/** How many days a month has; `monthIndex` counts from 0 and may lie outside 0..11. */
export function daysInMonth(year: number, monthIndex: number): number {
  return new Date(utcMs(year, monthIndex + 1, 0)).getUTCDate();
}

const CYCLE_YEARS = 400;
const CYCLE_MS = 146_097 * 86_400_000;

/** `Date.UTC` takes the years 0 to 99 for 1900 to 1999; the calendar repeats itself every 400 years. */
function utcMs(year: number, ...rest: [monthIndex: number, ...number[]]): number {
  return Date.UTC(year + CYCLE_YEARS, ...rest) - CYCLE_MS;
}

/** The whole second `date` lies in. */
export function toSecond(date: Date): Second {
  return BigInt(Math.floor(date.getTime() / 1000));
}

export function toDate(second: Second): Date {
  return new Date(Number(second) * 1000);
}

/** `2026-01-10T00:00:00Z` */
export function formatSecond(second: Second): string {
  return toDate(second).toISOString().replace('.000Z', 'Z');
}

/** `2026-01-10T00:00:00.25Z` */
export function formatInstant(instant: Instant): string {
  const whole = formatSecond(instant.second);
  return instant.fraction === '' ? whole : whole.replace('Z', `.${instant.fraction}Z`);
}

export function earlier(a: Second, b: Second): Second {
  return a < b ? a : b;
}

export function later(a: Second, b: Second): Second {
  return a > b ? a : b;
}
