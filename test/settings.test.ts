import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

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
