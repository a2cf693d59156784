import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  daysInMonth,
  earlier,
  formatInstant,
  formatSecond,
  later,
  parseInstant,
  toDate,
  toSecond,
} from '../../src/values/instant.ts';

test.each([
  ['1970-01-01T00:00:00Z', 0n, ''],
  ['2026-01-10T00:00:00Z', 1_768_003_200n, ''],
  ['2026-01-10t00:00:00z', 1_768_003_200n, ''],
  ['2026-01-10T01:00:00.25+01:00', 1_768_003_200n, '25'],
  ['2026-01-10T14:00:00+14:00', 1_768_003_200n, ''],
  ['2026-01-09T12:00:00-12:00', 1_768_003_200n, ''],
  ['2026-01-10T05:45:00+05:45', 1_768_003_200n, ''],
  ['2026-01-10T00:00:00-00:00', 1_768_003_200n, ''],
  ['2026-01-10T00:00:00.000Z', 1_768_003_200n, ''],
  ['2026-01-10T00:00:00.250Z', 1_768_003_200n, '25'],
  ['2026-01-10T00:00:00.999999999999Z', 1_768_003_200n, '999999999999'],
  ['2026-01-09T23:59:59.9Z', 1_768_003_199n, '9'],
  ['2024-02-29T00:00:00Z', 1_709_164_800n, ''],
  ['2000-02-29T23:59:59Z', 951_868_799n, ''],
  ['2026-12-31T23:59:59Z', 1_798_761_599n, ''],
  // The year ends earlier in UTC than where it was written.
  ['2027-01-01T00:00:00+01:00', 1_798_758_000n, ''],
])('%s is second %s with the fraction "%s"', (text, second, fraction) => {
  expect(parseInstant(text)).toEqual({ second, fraction });
});

test.each([
  ['no zone', '2026-01-10T00:00:00'],
  ['no time', '2026-01-10'],
  ['no seconds', '2026-01-10T00:00Z'],
  ['a day that does not exist', '2026-02-30T00:00:00Z'],
  ['29 February in a common year', '2026-02-29T00:00:00Z'],
  ['29 February in a common century', '2100-02-29T00:00:00Z'],
  ['the 31st of a month of 30 days', '2026-04-31T00:00:00Z'],
  ['day 0', '2026-01-00T00:00:00Z'],
  ['month 0', '2026-00-10T00:00:00Z'],
  ['month 13', '2026-13-10T00:00:00Z'],
  ['hour 24', '2026-01-10T24:00:00Z'],
  ['minute 60', '2026-01-10T00:60:00Z'],
  ['a leap second', '2016-12-31T23:59:60Z'],
  ['an offset of 24 hours', '2026-01-10T00:00:00+24:00'],
  ['an offset of 60 minutes', '2026-01-10T00:00:00+01:60'],
  ['an offset without a colon', '2026-01-10T00:00:00+0100'],
  ['an offset without minutes', '2026-01-10T00:00:00+01'],
  ['a fraction without digits', '2026-01-10T00:00:00.Z'],
  ['a comma', '2026-01-10T00:00:00,5Z'],
  ['a space for the T', '2026-01-10 00:00:00Z'],
  ['space around it', ' 2026-01-10T00:00:00Z'],
  ['a line break after it', '2026-01-10T00:00:00Z\n'],
  ['a year of five digits', '+12026-01-10T00:00:00Z'],
  ['a year of two digits', '26-01-10T00:00:00Z'],
  ['digits of another script', '٢٠٢٦-01-10T00:00:00Z'],
  ['a Unix time', '1768003200'],
  ['words', 'yesterday'],
  ['nothing', ''],
])('%s is no instant', (_what, text) => {
  expect(parseInstant(text)).toBeUndefined();
});

test('a year before 100 is not silently moved into the twentieth century', () => {
  expect(parseInstant('0026-01-10T00:00:00Z')!.second).toBe(-61_345_900_800n);
  expect(parseInstant('0004-02-29T00:00:00Z')).toBeDefined();
});

test('every second of four centuries is read as Date reads it, in any zone', () => {
  const seconds = fc.integer({ min: -6_000_000_000, max: 7_000_000_000 });
  const offsets = fc.integer({ min: -23 * 60 - 59, max: 23 * 60 + 59 });
  fc.assert(
    fc.property(seconds, offsets, (second, offset) => {
      const local = new Date((second + offset * 60) * 1000).toISOString().slice(0, 19);
      const minutes = Math.abs(offset);
      const pad = (value: number): string => String(value).padStart(2, '0');
      const zone = `${offset < 0 ? '-' : '+'}${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}`;
      expect(parseInstant(`${local}${zone}`)).toEqual({ second: BigInt(second), fraction: '' });
    }),
  );
});

test('what is formatted reads back the same', () => {
  const instants = fc.record({
    second: fc.bigInt({ min: 946_684_800n, max: 7_000_000_000n }),
    fraction: fc.stringMatching(/^(?:\d{0,11}[1-9])?$/),
  });
  fc.assert(
    fc.property(instants, (instant) => {
      expect(parseInstant(formatInstant(instant))).toEqual(instant);
      expect(parseInstant(formatSecond(instant.second))!.second).toBe(instant.second);
    }),
  );
});

test('a date lies in the second that has begun, also before 1970', () => {
  expect(toSecond(new Date(1_999))).toBe(1n);
  expect(toSecond(new Date(-1))).toBe(-1n);
  expect(toDate(1_768_003_200n).toISOString()).toBe('2026-01-10T00:00:00.000Z');
});

test('instants are written with a Z and only the decimals they have', () => {
  expect(formatSecond(1_768_003_200n)).toBe('2026-01-10T00:00:00Z');
  expect(formatInstant({ second: 1_768_003_200n, fraction: '' })).toBe('2026-01-10T00:00:00Z');
  expect(formatInstant({ second: 1_768_003_200n, fraction: '25' })).toBe('2026-01-10T00:00:00.25Z');
});

test.each([
  [2026, 0, 31],
  [2026, 1, 28],
  [2024, 1, 29],
  [2026, 3, 30],
  [2026, 11, 31],
  [2026, 12, 31],
  [2026, 13, 28],
  [2027, 13, 29],
  [2026, -1, 31],
])('month %2$s of %1$s has %3$s days', (year, monthIndex, days) => {
  expect(daysInMonth(year, monthIndex)).toBe(days);
});

test('of two seconds the earlier and the later are told apart', () => {
  expect([earlier(1n, 2n), earlier(2n, 1n), later(1n, 2n), later(2n, 1n)]).toEqual([
    1n,
    1n,
    2n,
    2n,
  ]);
});
