import { toSecond, type Instant, type Second } from '../values/instant.ts';

/**
 * When a command takes effect: now, but never before the account's sign-up, and always after the latest fact
 * about what it changes. Commands are decided one after the other, so the later one must also come later in
 * the order of events, whatever the clocks of two processes say. Instants are kept to the nanosecond.
 */
export function commandInstant(
  now: Date,
  signedUpAt: Second,
  latest: Instant | undefined,
): Instant {
  const ms = String(now.getTime() - Math.floor(now.getTime() / 1000) * 1000).padStart(3, '0');
  const present = { second: toSecond(now), fraction: trim(ms) };
  const wanted = present.second < signedUpAt ? { second: signedUpAt, fraction: '' } : present;
  return latest === undefined || isBefore(latest, wanted) ? wanted : justAfter(latest);
}

function isBefore(a: Instant, b: Instant): boolean {
  return a.second === b.second ? a.fraction < b.fraction : a.second < b.second;
}

/** The next nanosecond. */
export function justAfter({ second, fraction }: Instant): Instant {
  const nanoseconds = BigInt(fraction.padEnd(9, '0').slice(0, 9)) + 1n;
  if (nanoseconds === 1_000_000_000n) return { second: second + 1n, fraction: '' };
  return { second, fraction: trim(nanoseconds.toString().padStart(9, '0')) };
}

function trim(fraction: string): string {
  return fraction.replace(/0+$/, '');
}
