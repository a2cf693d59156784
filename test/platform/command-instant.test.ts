import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareEvents } from '../../src/events/order.ts';
import type { Event } from '../../src/events/event.ts';
import { commandInstant } from '../../src/platform/command-instant.ts';
import { formatInstant, parseInstant, toSecond, type Instant } from '../../src/values/instant.ts';

const now = new Date('2026-01-10T00:00:00.250Z');
const signedUpAt = toSecond(new Date('2026-01-01T00:00:00Z'));
const shown = (instant: Instant): string => formatInstant(instant);
const at = (text: string): Instant => parseInstant(text)!;

test('a command takes effect now, to the millisecond', () => {
  expect(shown(commandInstant(now, signedUpAt, undefined))).toBe('2026-01-10T00:00:00.25Z');
  const latest = at('2026-01-09T23:59:59.999Z');
  expect(shown(commandInstant(now, signedUpAt, latest))).toBe('2026-01-10T00:00:00.25Z');
});

test('after a fact of the same or a later instant it takes effect the nanosecond after', () => {
  for (const [latest, expected] of [
    ['2026-01-10T00:00:00.25Z', '2026-01-10T00:00:00.250000001Z'],
    ['2026-01-10T00:00:00.250000001Z', '2026-01-10T00:00:00.250000002Z'],
    ['2026-01-10T00:01:00Z', '2026-01-10T00:01:00.000000001Z'],
    ['2026-01-10T00:00:00.999999999Z', '2026-01-10T00:00:01Z'],
    ['2026-01-10T00:00:00.9999999999Z', '2026-01-10T00:00:01Z'],
  ] as const) {
    expect(shown(commandInstant(now, signedUpAt, at(latest)))).toBe(expected);
  }
});

test('it never takes effect before the sign-up', () => {
  const later = toSecond(new Date('2026-01-10T00:02:00Z'));
  expect(shown(commandInstant(now, later, undefined))).toBe('2026-01-10T00:02:00Z');
});

test('whatever came before, the command comes after it in the order of events', () => {
  const event = (occurredAt: Instant, sequence?: string): Event => ({
    account: 'a',
    source: 's',
    id: 'z',
    occurredAt,
    sequence,
    fact: { type: 'account.confirmed' },
  });
  const fraction = fc
    .array(fc.integer({ min: 0, max: 9 }), { maxLength: 12 })
    .map((digits) => digits.join('').replace(/0+$/, ''));
  fc.assert(
    fc.property(fc.integer({ min: -2, max: 2 }), fraction, (offset, decimals) => {
      const latest = { second: toSecond(now) + BigInt(offset), fraction: decimals };
      const command = commandInstant(now, signedUpAt, latest);
      expect(compareEvents(event(latest, '999'), event(command))).toBeLessThan(0);
      expect(parseInstant(formatInstant(command))).toEqual(command);
    }),
    { numRuns: 2000 },
  );
});
