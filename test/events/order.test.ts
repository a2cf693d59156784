import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Event } from '../../src/events/event.ts';
import { compareEvents, readTieBreak, tieBreak } from '../../src/events/order.ts';
import { compareBytes } from '../../src/values/text.ts';
import { event } from '../support/facts.ts';

const fact = { type: 'app.created', app: 'web' } as const;

/** Only what orders: "12:00:00.5 #9 e-1 source". */
function at(time: string, sequence?: string, id = 'e', source = 's'): Event {
  return event(`2026-01-10T${time}Z`, fact, { sequence, id, source });
}

test.each([
  ['the earlier second', at('12:00:00', '9'), at('12:00:01', '1')],
  ['the smaller fraction', at('12:00:00.25', '9'), at('12:00:00.3', '1')],
  ['no fraction before any', at('12:00:00', '9'), at('12:00:00.000001', '1')],
  ['a fraction before one that it begins', at('12:00:00.2', '9'), at('12:00:00.25', '1')],
  ['the smaller number', at('12:00:00', '9'), at('12:00:00', '10')],
  ['the smaller number behind zeros', at('12:00:00', '009'), at('12:00:00', '10')],
  [
    'a number beyond all doubles',
    at('12:00:00', '9'.repeat(30)),
    at('12:00:00', `1${'0'.repeat(30)}`),
  ],
  ['zero before one', at('12:00:00', '000'), at('12:00:00', '1')],
  ['no sequence before any', at('12:00:00', undefined, 'z'), at('12:00:00', '0', 'a')],
  ['digits before text', at('12:00:00', '99'), at('12:00:00', '1a')],
  ['text by its bytes', at('12:00:00', 'a10'), at('12:00:00', 'a9')],
  ['text with spaces', at('12:00:00', 'a b'), at('12:00:00', 'a c')],
  ['the smaller id, by its bytes', at('12:00:00', '1', 'e-10'), at('12:00:00', '1', 'e-9')],
  ['the smaller id in any script', at('12:00:00', '1', '\uFFFD'), at('12:00:00', '1', '😀')],
  ['the smaller source last', at('12:00:00', '1', 'e', 'a'), at('12:00:00', '1', 'e', 'b')],
])('%s comes first', (_what, first, second) => {
  expect(compareEvents(first, second)).toBeLessThan(0);
  expect(compareEvents(second, first)).toBeGreaterThan(0);
});

test('sequences that are the same number do not order: the id does', () => {
  expect(compareEvents(at('12:00:00', '012', 'a'), at('12:00:00', '12', 'b'))).toBeLessThan(0);
  expect(compareEvents(at('12:00:00', '012', 'b'), at('12:00:00', '12', 'a'))).toBeGreaterThan(0);
});

test('the usual event, with neither fraction nor sequence, has an empty tie-break', () => {
  expect(tieBreak(at('12:00:00'))).toBe('');
});

const anyEvent = fc
  .record({
    second: fc.constantFrom('12:00:00', '12:00:01'),
    fraction: fc.oneof(fc.constant(''), fc.stringMatching(/^\d{1,4}$/)),
    sequence: fc.option(
      fc.oneof(
        fc.stringMatching(/^\d{1,4}$/),
        fc.string({
          minLength: 1,
          maxLength: 3,
          unit: fc.constantFrom('a', 'Z', ' ', '0', '9', 'é', '😀'),
        }),
      ),
      { nil: undefined },
    ),
    id: fc.constantFrom('e-1', 'e-2', 'e-10'),
    source: fc.constantFrom('a', 'b'),
  })
  .map(({ second, fraction, sequence, id, source }) =>
    at(fraction === '' ? second : `${second}.${fraction}`, sequence, id, source),
  );

describe('the order of events', () => {
  test('is total: however events arrive, they sort the same', () => {
    const shuffled = fc
      .array(anyEvent, { maxLength: 20 })
      .chain((events) =>
        fc.tuple(
          fc.constant(events),
          fc.shuffledSubarray(events, { minLength: events.length, maxLength: events.length }),
        ),
      );
    fc.assert(
      fc.property(shuffled, ([events, again]) => {
        const keys = (list: readonly Event[]): string[] =>
          list
            .toSorted(compareEvents)
            .map((one) => `${one.occurredAt.second} ${tieBreak(one)} ${one.id} ${one.source}`);
        expect(keys(again)).toEqual(keys(events));
      }),
    );
  });

  test('is transitive and the same from both sides', () => {
    fc.assert(
      fc.property(anyEvent, anyEvent, anyEvent, (a, b, c) => {
        expect(Math.sign(compareEvents(a, b))).toBe(-Math.sign(compareEvents(b, a)) || 0);
        if (compareEvents(a, b) <= 0 && compareEvents(b, c) <= 0) {
          expect(compareEvents(a, c)).toBeLessThanOrEqual(0);
        }
      }),
    );
  });

  test('within a second is that of the tie-breaks as bytes, which is how the database sorts', () => {
    fc.assert(
      fc.property(anyEvent, anyEvent, (a, b) => {
        const sameRest = {
          ...b,
          id: a.id,
          source: a.source,
          occurredAt: { ...b.occurredAt, second: a.occurredAt.second },
        };
        expect(Math.sign(compareEvents(a, sameRest))).toBe(
          Math.sign(compareBytes(tieBreak(a), tieBreak(sameRest))),
        );
      }),
    );
  });

  test('within a second is that of the fractions as numbers, then of digits as numbers', () => {
    const digits = fc.stringMatching(/^\d{1,20}$/);
    fc.assert(
      fc.property(digits, digits, digits, digits, (fractionA, fractionB, a, b) => {
        const [padA, padB] = [fractionA, fractionB].map((text) => BigInt(text.padEnd(20, '0')));
        const byFraction = padA! < padB! ? -1 : padA! > padB! ? 1 : 0;
        const byNumber = BigInt(a) < BigInt(b) ? -1 : BigInt(a) > BigInt(b) ? 1 : 0;
        expect(
          Math.sign(compareEvents(at(`12:00:00.${fractionA}`, a), at(`12:00:00.${fractionB}`, b))),
        ).toBe(byFraction || byNumber);
      }),
    );
  });

  test('can be read back from a tie-break: a derived event sorts like the one it came from', () => {
    fc.assert(
      fc.property(anyEvent, (one) => {
        const { fraction, sequence } = readTieBreak(tieBreak(one));
        expect(fraction).toBe(one.occurredAt.fraction);
        const again = { occurredAt: { ...one.occurredAt, fraction }, sequence };
        expect(tieBreak(again)).toBe(tieBreak(one));
      }),
    );
  });
});
