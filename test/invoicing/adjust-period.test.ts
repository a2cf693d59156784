import { expect, test } from 'vitest';
import { adjustPeriod, type Billed } from '../../src/invoicing/adjust-period.ts';
import type { Line } from '../../src/pricing/line.ts';
import { parseInstant } from '../../src/values/instant.ts';

const period = {
  start: parseInstant('2026-01-01T00:00:00Z')!.second,
  end: parseInstant('2026-02-01T00:00:00Z')!.second,
};

function app(name: string, rssTenths: bigint, amountCents: bigint): Line {
  return { kind: 'app', app: name, rssTenths, amountCents, description: '' };
}

function database(sizeTenths: number, seconds: bigint, amountCents: bigint): Line {
  const names = { kind: 'database', app: 'web', database: 'db1' } as const;
  return { ...names, sizeTenths, seconds, amountCents, description: '' };
}

function billed(line: Line): Billed {
  const { amountCents } = line;
  if (line.kind === 'app') {
    return { subject: { kind: 'app', app: line.app }, quantity: line.rssTenths, amountCents };
  }
  const { kind, app: name, database: db, sizeTenths, seconds } = line;
  return { subject: { kind, app: name, database: db, sizeTenths }, quantity: seconds, amountCents };
}

function told(before: readonly Line[], now: readonly Line[]): string[] {
  return adjustPeriod(period, before.map(billed), now).map(
    ({ description, quantity, amountCents }) => `${quantity} ${amountCents} ${description}`,
  );
}

const IN_JANUARY = 'Correction of 2026-01-01T00:00:00Z – 2026-02-01T00:00:00Z';

test('a period that costs what was billed needs no correction (R60)', () => {
  const lines = [app('web', 4_320_000n, 806n), database(6, 864_000n, 806n)];
  expect(told(lines, lines)).toEqual([]);
  expect(told([], [])).toEqual([]);
});

test('what is known later is billed by its difference, up or down, and names its period (R60)', () => {
  expect(told([app('web', 1_000n, 200n)], [app('web', 1_500n, 300n)])).toEqual([
    `500 100 ${IN_JANUARY}, app web: 150 replica-size-seconds instead of 100 replica-size-seconds`,
  ]);
  expect(told([app('web', 1_500n, 300n)], [app('web', 1_000n, 200n)])).toEqual([
    `-500 -100 ${IN_JANUARY}, app web: 100 replica-size-seconds instead of 150 replica-size-seconds`,
  ]);
});

test('what was not billed at all is billed in full, and what was not there is given back', () => {
  expect(told([database(6, 100n, 5n)], [database(17, 100n, 9n)])).toEqual([
    `100 9 ${IN_JANUARY}, database db1, size 1.7: 100 s instead of 0 s`,
    `-100 -5 ${IN_JANUARY}, database db1, size 0.6: 0 s instead of 100 s`,
  ]);
});

test('a cent that moves between apps is corrected on both, though their usage is the same', () => {
  const before = [app('api', 10n, 81n), app('web', 10n, 80n)];
  const now = [app('api', 10n, 80n), app('web', 10n, 81n)];
  expect(told(before, now).map((line) => line.split(' ').slice(0, 2))).toEqual([
    ['0', '-1'],
    ['0', '1'],
  ]);
});

test('usage that is too small for a cent is corrected all the same: the next one may not be', () => {
  expect(told([], [app('web', 10n, 0n)])).toHaveLength(1);
});

test('corrections come out in one order, whatever the order of the lines', () => {
  const lines = [database(6, 1n, 1n), app('b', 1n, 1n), app('a', 1n, 1n)];
  const subjects = adjustPeriod(period, [], lines).map(({ subject }) => subject);
  expect(adjustPeriod(period, [], lines.toReversed()).map(({ subject }) => subject)).toEqual(
    subjects,
  );
});
