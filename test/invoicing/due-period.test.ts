import { describe, expect, test } from 'vitest';
import { duePeriod, type DueAccount } from '../../src/invoicing/due-period.ts';
import { parseInstant, type Second } from '../../src/values/instant.ts';

function at(text: string): Second {
  return parseInstant(`${text}T10:00:00Z`)!.second;
}

function due(closeAt: Second, deletedAt?: Second, closedTo?: Second) {
  const account: DueAccount = {
    id: 'acme',
    email: 'owner@example.com',
    signedUpAt: at('2026-01-31'),
    confirmedAt: undefined,
    upgradedAt: undefined,
    deletedAt,
    closeAt,
    closedTo,
    lateSince: undefined,
  };
  const { start, end, full, nextCloseAt } = duePeriod(account);
  return { start, end, full, nextCloseAt };
}

describe('the period that is due', () => {
  test('ends at its boundary, and the next one a month later, counted from the sign-up (R29)', () => {
    const [january, february, march] = [at('2026-01-31'), at('2026-02-28'), at('2026-03-31')];
    expect(due(february)).toEqual({
      start: january,
      end: february,
      full: { start: january, end: february },
      nextCloseAt: march,
    });
    expect(due(march)).toMatchObject({
      start: february,
      end: march,
      nextCloseAt: at('2026-04-30'),
    });
  });

  test('is the last one when the account was deleted in it, and keeps the length of its month (R56)', () => {
    const deletedAt = at('2026-03-10');
    expect(due(deletedAt, deletedAt)).toEqual({
      start: at('2026-02-28'),
      end: deletedAt,
      full: { start: at('2026-02-28'), end: at('2026-03-31') },
      nextCloseAt: undefined,
    });
  });

  test('begins where the account ended, when only corrections are left to bill (R60)', () => {
    const deletedAt = at('2026-03-10');
    expect(due(at('2026-06-30'), deletedAt, deletedAt)).toEqual({
      start: deletedAt,
      end: at('2026-06-30'),
      full: { start: at('2026-05-31'), end: at('2026-06-30') },
      nextCloseAt: undefined,
    });
  });

  test('is followed by a shorter one when the account was deleted in the next (R56)', () => {
    const deletedAt = at('2026-03-10');
    expect(due(at('2026-02-28'), deletedAt).nextCloseAt).toBe(deletedAt);
  });

  test('is followed by a whole one when the account was deleted later', () => {
    expect(due(at('2026-02-28'), at('2026-05-01')).nextCloseAt).toBe(at('2026-03-31'));
  });

  test('is the last one when the account was deleted at its very end (R56)', () => {
    const boundary = at('2026-02-28');
    expect(due(boundary, boundary)).toEqual({
      start: at('2026-01-31'),
      end: boundary,
      full: { start: at('2026-01-31'), end: boundary },
      nextCloseAt: undefined,
    });
  });
});
