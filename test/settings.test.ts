import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readConfig } from '../src/config.ts';

const source = readFileSync('src/config.ts', 'utf8');
const readme = readFileSync('README.md', 'utf8');

test('the README lists every setting, and no other', () => {
  const settings = [...source.matchAll(/^ {2}([A-Z][A-Z_]+): /gm)].map(([, name]) => name);
  const section = readme.slice(readme.indexOf('## Configuration'), readme.indexOf('## Operation'));
  const listed = [...section.matchAll(/^\|[^|]*\|/gm)].flatMap(([cell]) =>
    [...cell.matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name),
  );
  expect(settings.length).toBeGreaterThan(10);
  expect(new Set(listed)).toEqual(new Set(settings));
});

test('another address of Stripe is a host and port only', () => {
  for (const STRIPE_API_BASE of [
    'http://127.0.0.1:12111',
    'https://stripe.example/',
    'http://a/v1',
  ]) {
    const { stripe } = readConfig({ STRIPE_API_BASE });
    expect(stripe.apiBase).toBe(STRIPE_API_BASE);
  }
  const wrong = [
    'localhost:12111',
    '127.0.0.1',
    'ftp://a',
    'http://a/stripe',
    'http://a?b',
    'http://u@a',
  ];
  for (const STRIPE_API_BASE of wrong) {
    expect(() => readConfig({ STRIPE_API_BASE }), STRIPE_API_BASE).toThrow(
      /STRIPE_API_BASE must be http/,
    );
  }
});
