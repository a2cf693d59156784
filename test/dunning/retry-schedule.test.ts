import { expect, test } from 'vitest';
import { retrySchedule } from '../../src/dunning/retry-schedule.ts';
import type { Refusal } from '../../src/stripe/gateway.ts';
import { refusalOf } from '../../src/stripe/refusal.ts';

const finalizedAt = new Date('2026-02-10T01:00:00Z');
const soft = { ...refusalOf('card_declined', 'declined', 402), declineCode: 'generic_decline' };

function nextDay(failedDay: number, refusal: Refusal = soft, days?: readonly number[]) {
  const failedAt = new Date(finalizedAt.getTime() + failedDay * 86_400_000);
  const next = retrySchedule(days)({ finalizedAt, failedAt, refusal });
  return next && (next.getTime() - finalizedAt.getTime()) / 86_400_000;
}

test('R41c a decline is tried again on days 1, 3 and 7 after the invoice was finalized', () => {
  expect([0, 0.5, 1, 2.9, 3, 6].map((day) => nextDay(day))).toEqual([1, 1, 3, 3, 7, 7]);
});

test('after the last day nothing is tried until a new card is set', () => {
  expect(nextDay(7)).toBeUndefined();
  expect(nextDay(30)).toBeUndefined();
});

test('the days are a setting, in any order', () => {
  expect(nextDay(0, soft, [10, 2, 5])).toBe(2);
  expect(nextDay(5, soft, [10, 2, 5])).toBe(10);
  expect(nextDay(0, soft, [])).toBeUndefined();
});

test('a card that is lost, stolen, expired or asks for its owner is never tried again', () => {
  for (const declineCode of ['lost_card', 'stolen_card', 'pickup_card', 'fraudulent']) {
    expect(nextDay(0, { ...soft, declineCode }), declineCode).toBeUndefined();
  }
  for (const code of ['expired_card', 'incorrect_number', 'authentication_required']) {
    expect(nextDay(0, { ...soft, code, declineCode: null }), code).toBeUndefined();
  }
  expect(nextDay(0, { ...soft, adviceCode: 'do_not_try_again' })).toBeUndefined();
});
