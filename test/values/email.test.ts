import { expect, test } from 'vitest';
import { isEmailAddress } from '../../src/values/email.ts';

test.each([
  'foo@x.y',
  'a+b@acme.example',
  "o'brien@acme.example",
  'ü@münchen.example',
  'a@localhost',
])('%s may be an address', (text) => expect(isEmailAddress(text)).toBe(true));

test.each(['', 'a', '@', 'a@', '@b', 'a b@c.d', 'a@b@c.d', 'a@b.c\n', `${'x'.repeat(197)}@b.c`])(
  '%j is none',
  (text) => expect(isEmailAddress(text)).toBe(false),
);
