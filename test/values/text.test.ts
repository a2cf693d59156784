import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareBytes, toJson } from '../../src/values/text.ts';

test('text compares by its bytes, where JavaScript compares halves of characters', () => {
  expect(compareBytes('\uFFFD', '😀')).toBeLessThan(0);
  expect(['\uFFFD', '😀'].toSorted()).toEqual(['😀', '\uFFFD']);
});

test.each([
  ['', 'a'],
  ['B', 'a'],
  ['a', 'ab'],
  ['10', '9'],
  ['z', 'é'],
])('%j comes before %j', (a, b) => {
  expect(compareBytes(a, b)).toBeLessThan(0);
  expect(compareBytes(b, a)).toBeGreaterThan(0);
});

test('only equal texts compare as equal, and sorting does not depend on the order given', () => {
  const texts = fc.array(fc.string({ unit: 'grapheme' }));
  fc.assert(
    fc.property(texts, (given) => {
      const sorted = given.toSorted(compareBytes);
      expect(given.toReversed().toSorted(compareBytes)).toEqual(sorted);
      for (const [index, text] of sorted.entries()) {
        const next = sorted[index + 1];
        if (next !== undefined) expect(compareBytes(text, next) === 0).toBe(text === next);
      }
    }),
  );
});

test('anything that arrived as JSON is JSON again; below a hundred levels it is cut', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(toJson(value)).toBe(JSON.stringify(value));
    }),
  );
  const deep = (levels: number, inner: string) =>
    `${'{"a":['.repeat(levels / 2)}${inner}${']}'.repeat(levels / 2)}`;
  expect(toJson(JSON.parse(deep(100, '7')))).toBe(deep(100, '7'));
  expect(toJson(JSON.parse(deep(100_000, '7')))).toBe(deep(100, '"…"'));
  expect(toJson(JSON.parse('{"__proto__":{"a":1}}'))).toBe('{"__proto__":{"a":1}}');
  expect(toJson(undefined)).toBeUndefined();
});
