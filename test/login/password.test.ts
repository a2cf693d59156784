import { expect, test } from 'vitest';
import { hashPassword, isPassword, requireFitPassword } from '../../src/login/password.ts';

test('a password is recognised by its hash, another one is not', async () => {
  const stored = await hashPassword('correct horse');
  expect(await isPassword('correct horse', stored)).toBe(true);
  expect(await isPassword('correct horse ', stored)).toBe(false);
  expect(await isPassword('Correct horse', stored)).toBe(false);
});

test('what is stored names its cost and salt, holds no password, and differs every time', async () => {
  const [first, second] = await Promise.all([hashPassword('secret1'), hashPassword('secret1')]);
  expect(first).toMatch(/^scrypt\$15\$8\$3\$[A-Za-z0-9+/=]{24}\$[A-Za-z0-9+/=]{44}$/);
  expect(first).not.toBe(second);
});

test('hashes that were made at another cost are still recognised', async () => {
  // scrypt('pleaseletmein', 'SodiumChloride', N = 2^14, r = 8, p = 1): a vector of RFC 7914, cut to 32 bytes.
  const hash = Buffer.from(
    '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2',
    'hex',
  );
  const salt = Buffer.from('SodiumChloride').toString('base64');
  const stored = `scrypt$14$8$1$${salt}$${hash.toString('base64')}`;
  expect(await isPassword('pleaseletmein', stored)).toBe(true);
  expect(await isPassword('pleaseletmeout', stored)).toBe(false);
});

test('nobody’s password is never right, not even an empty one', async () => {
  expect(await isPassword('', undefined)).toBe(false);
  expect(await isPassword('anything', undefined)).toBe(false);
});

test('one character in two spellings of Unicode is one character', async () => {
  const stored = await hashPassword('pass\u00e9word');
  expect(await isPassword('passe\u0301word', stored)).toBe(true);
});

test('passwords have 6 to 200 characters', () => {
  for (const fit of ['sechse', 'x'.repeat(200)])
    expect(() => requireFitPassword(fit)).not.toThrow();
  for (const unfit of ['', 'fuenf', 'x'.repeat(201)]) {
    expect(() => requireFitPassword(unfit)).toThrow('must have 6 to 200 characters');
  }
});
