import { describe, expect, test } from 'vitest';
import type { Event } from '../../../src/events/event.ts';
import { estimateAccount } from '../../../src/invoicing/previews/estimate.ts';
import {
  DOCUMENTED_PRICES,
  documentedPriceBook,
  readPriceBook,
} from '../../../src/pricing/price-book.ts';
import { formatSecond, parseInstant } from '../../../src/values/instant.ts';
import { event, historyOf } from '../../support/facts.ts';

const created = event('2026-01-31T10:00:00Z', { type: 'account.created', email: 'a@example.com' });
const upgraded = event('2026-01-31T10:00:00Z', { type: 'account.upgraded' });
const runs = event('2026-01-31T10:00:00Z', {
  type: 'app.deployed',
  app: 'web',
  replicas: 1,
  sizeTenths: 5,
});

function estimate(until: string, events: readonly Event[], books = [documentedPriceBook()]) {
  return estimateAccount(historyOf(events), books, parseInstant(until)!.second);
}

function told(until: string, events: readonly Event[]): string[] {
  return estimate(until, events).periods.map(({ start, end, tier, totalCents, isOpen }) =>
    [formatSecond(start), formatSecond(end), tier, totalCents, isOpen ? 'open' : 'closed'].join(
      ' ',
    ),
  );
}

describe('periods', () => {
  test('are all listed from the sign-up on, also empty ones; the last is open and keeps its own end', () => {
    expect(told('2026-03-31T09:59:59Z', [created])).toEqual([
      '2026-01-31T10:00:00Z 2026-02-28T10:00:00Z FREE 0 closed',
      '2026-02-28T10:00:00Z 2026-03-31T10:00:00Z FREE 0 open',
    ]);
  });

  test('that end at the instant asked for are closed, and the next is open and empty (R32)', () => {
    expect(told('2026-02-28T10:00:00Z', [created, upgraded, runs])).toEqual([
      '2026-01-31T10:00:00Z 2026-02-28T10:00:00Z STANDARD 2258 closed',
      '2026-02-28T10:00:00Z 2026-03-31T10:00:00Z STANDARD 0 open',
    ]);
  });

  test('do not exist before the sign-up', () => {
    expect(told('2026-01-31T09:59:59Z', [created])).toEqual([]);
  });

  test('end for good when the account is deleted, without an open one (R56)', () => {
    const deleted = event('2026-03-10T10:00:00Z', { type: 'account.deleted' });
    expect(told('2026-09-01T00:00:00Z', [created, upgraded, runs, deleted])).toEqual([
      '2026-01-31T10:00:00Z 2026-02-28T10:00:00Z STANDARD 2258 closed',
      '2026-02-28T10:00:00Z 2026-03-10T10:00:00Z STANDARD 806 closed',
    ]);
  });

  test('end at a deletion that falls on a boundary, with none of no length after it (R56)', () => {
    const deleted = event('2026-02-28T10:00:00Z', { type: 'account.deleted' });
    expect(told('2026-09-01T00:00:00Z', [created, upgraded, runs, deleted])).toEqual([
      '2026-01-31T10:00:00Z 2026-02-28T10:00:00Z STANDARD 2258 closed',
    ]);
  });

  test('count the first of several deletions and upgrades', () => {
    const again = [
      event('2026-03-12T10:00:00Z', { type: 'account.deleted' }),
      event('2026-03-10T10:00:00Z', { type: 'account.deleted' }),
      event('2026-02-01T10:00:00Z', { type: 'account.upgraded' }),
    ];
    expect(told('2026-09-01T00:00:00Z', [created, upgraded, runs, ...again]).at(-1)).toBe(
      '2026-02-28T10:00:00Z 2026-03-10T10:00:00Z STANDARD 806 closed',
    );
  });
});

describe('up to an instant', () => {
  test('what happens at it or later is left out', () => {
    const later = [
      event('2026-02-10T10:00:00Z', {
        type: 'app.scaled',
        app: 'web',
        replicas: 1000,
        sizeTenths: 160,
      }),
      event('2026-02-10T10:00:00Z', { type: 'account.deleted' }),
    ];
    const { periods } = estimate('2026-02-10T10:00:00Z', [created, upgraded, runs, ...later]);
    expect(periods).toHaveLength(1);
    expect(periods[0]).toMatchObject({
      isOpen: true,
      usage: { apps: [{ app: 'web', rssTenths: 4_320_000n }], databases: [] },
    });
  });

  test('a database counts its share of the whole month, not of the part so far (R43)', () => {
    const available = event('2026-01-31T10:00:00Z', {
      type: 'database.available',
      app: 'web',
      database: 'db1',
      sizeTenths: 6,
    });
    const { periods } = estimate('2026-02-14T10:00:00Z', [created, upgraded, runs, available]);
    expect(periods[0]!.lines[1]).toMatchObject({ seconds: 1_209_600n, amountCents: 1_250n });
  });

  test('an upgrade at it has not happened yet', () => {
    const upgrade = event('2026-02-10T10:00:00Z', { type: 'account.upgraded' });
    expect(told('2026-02-10T10:00:00Z', [created, runs, upgrade])).toEqual([
      '2026-01-31T10:00:00Z 2026-02-28T10:00:00Z FREE 0 open',
    ]);
    expect(told('2026-02-10T10:00:01Z', [created, runs, upgrade])).toEqual([
      '2026-01-31T10:00:00Z 2026-02-28T10:00:00Z STANDARD 0 open',
    ]);
  });
});

test('usage is shown in full where only a part is charged (R18, R26)', () => {
  const upgrade = event('2026-02-18T10:00:00Z', { type: 'account.upgraded' });
  const { periods } = estimate('2026-02-28T10:00:00Z', [created, runs, upgrade]);
  expect(periods[0]!.usage.apps).toEqual([{ app: 'web', rssTenths: 12_096_000n }]);
  expect(periods[0]!.lines).toMatchObject([{ rssTenths: 4_320_000n, amountCents: 806n }]);
});

test('each price book is used from its instant on', () => {
  const doubled = { ...DOCUMENTED_PRICES, replica_size_second_usd: '0.00003733572' };
  const from = parseInstant('2026-02-18T10:00:00Z')!.second;
  const books = [documentedPriceBook(), readPriceBook('dearer', from, doubled)];
  const { periods } = estimate('2026-02-28T10:00:00Z', [created, upgraded, runs], books);
  // 18 days at the price and 10 days at twice the price: 38 days' worth.
  expect(periods[0]!.totalCents).toBe(3_065n);
});
