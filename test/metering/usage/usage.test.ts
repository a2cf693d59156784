import { expect, test } from 'vitest';
import { gatherUsage, type UsagePart } from '../../../src/metering/usage/usage.ts';

function part(
  meter: UsagePart['meter'],
  app: string,
  resource: string,
  units: bigint,
  sizeTenths = 0,
): UsagePart {
  return { meter, app, resource, sizeTenths, units };
}

test('an app counts with its jobs, in tenths of replica-size-seconds (R13)', () => {
  const parts = [
    part('app', 'web', 'web', 300n),
    part('job', 'web', 'j1', 20n),
    part('job', 'web', 'j2', 1n),
  ];
  expect(gatherUsage(parts)).toEqual({ apps: [{ app: 'web', rssTenths: 321n }], databases: [] });
});

test('jobs count where the app itself did not run (R13)', () => {
  expect(gatherUsage([part('job', 'web', 'j1', 20n)]).apps).toEqual([
    { app: 'web', rssTenths: 20n },
  ]);
});

test('a database counts by size, and the same size again adds up', () => {
  const parts = [
    part('database', 'web', 'db1', 10n, 17),
    part('database', 'web', 'db1', 5n, 6),
    part('database', 'web', 'db1', 1n, 17),
  ];
  expect(gatherUsage(parts)).toEqual({
    apps: [],
    databases: [
      { app: 'web', database: 'db1', sizeTenths: 6, seconds: 5n },
      { app: 'web', database: 'db1', sizeTenths: 17, seconds: 11n },
    ],
  });
});

test('what was not used is left out', () => {
  expect(
    gatherUsage([part('app', 'web', 'web', 0n), part('database', 'web', 'db1', 0n, 6)]),
  ).toEqual({
    apps: [],
    databases: [],
  });
});

test('the order is fixed: apps by their bytes, databases by app, name and size', () => {
  const parts = [
    part('app', 'b', 'b', 1n),
    part('app', '😀', '😀', 1n),
    part('app', '\uFFFD', '\uFFFD', 1n),
    part('app', 'B', 'B', 1n),
    part('database', 'b', 'x', 1n, 6),
    part('database', 'a', 'z', 1n, 17),
    part('database', 'a', 'y', 1n, 1280),
    part('database', 'a', 'z', 1n, 6),
  ];
  const usage = gatherUsage(parts);
  expect(usage.apps.map(({ app }) => app)).toEqual(['B', 'b', '\uFFFD', '😀']);
  expect(usage.databases.map((row) => `${row.app} ${row.database} ${row.sizeTenths}`)).toEqual([
    'a y 1280',
    'a z 6',
    'a z 17',
    'b x 6',
  ]);
  expect(gatherUsage(parts.toReversed())).toEqual(usage);
});

test('names that look alike when put together stay apart', () => {
  const parts = [
    part('database', 'web', 'db",6', 1n, 6),
    part('database', 'web', 'db', 1n, 6),
    part('app', '__proto__', '__proto__', 1n),
    part('app', 'constructor', 'constructor', 1n),
  ];
  expect(gatherUsage(parts).databases).toHaveLength(2);
  expect(gatherUsage(parts).apps).toHaveLength(2);
});
