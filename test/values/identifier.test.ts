import { expect, test } from 'vitest';
import { isIdentifier, isShortIdentifier } from '../../src/values/identifier.ts';

test.each([
  'acme',
  'a',
  ' spaces stay ',
  'Ünïcode ☃ GmbH',
  "o'hara; drop table event",
  '__proto__',
  'constructor',
  'null',
  '0',
  'e-17:controller/1',
  '👩‍👩‍👧',
  'x'.repeat(200),
  '😀'.repeat(200),
])('%j is an identifier, kept as it is', (value) => {
  expect(isIdentifier(value)).toBe(true);
});

test.each([
  ['nothing', ''],
  ['201 characters', 'x'.repeat(201)],
  ['201 characters beyond the basic plane', '😀'.repeat(201)],
  ['very many characters', 'x'.repeat(1_000_000)],
  ['a NUL', 'a\0b'],
  ['a tab', 'a\tb'],
  ['a line break', 'a\nb'],
  ['an escape', 'a\u001Bb'],
  ['a DEL', 'a\u007Fb'],
  ['a C1 control character', 'a\u0085b'],
  ['a line separator', 'a\u2028b'],
  ['a paragraph separator', 'a\u2029b'],
  ['half a surrogate pair', 'a\uD83Db'],
  ['a number', 17],
  ['null', null],
  ['undefined', undefined],
  ['an object', { length: 1 }],
  ['a list', ['a']],
])('%s is no identifier', (_what, value) => {
  expect(isIdentifier(value)).toBe(false);
});

test.each([
  ['e-17', true],
  ['x'.repeat(200), true],
  ['é'.repeat(150), true],
  [`x${'é'.repeat(150)}`, false],
  ['x'.repeat(201), false],
  ['a\tb', false],
  ['', false],
  [17, false],
])('a short one has 300 bytes at most: %j', (value, isShort) => {
  expect(isShortIdentifier(value)).toBe(isShort);
});
