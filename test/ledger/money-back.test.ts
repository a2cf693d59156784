import fc from 'fast-check';
import { expect, test } from 'vitest';
import { planMoneyBack, type MoneyBackCase } from '../../src/ledger/money-back.ts';
import { toDate } from '../../src/values/instant.ts';

const UPGRADED_AT = 1_768_000_000n;

function plan(change: Partial<MoneyBackCase>) {
  return planMoneyBack({
    amountCents: 1_000n,
    now: toDate(UPGRADED_AT + 86_400n),
    upgradedAt: UPGRADED_AT,
    givenCents: 0n,
    payments: [{ invoiceId: 'inv_1', leftCents: 100_000n }],
    notYetInvoicedCents: 0n,
    ...change,
  });
}

test('R41 $50 and then $25 are given back, and not one cent more', () => {
  expect(plan({ amountCents: 5_000n })).toMatchObject({ creditCents: 0n });
  expect(plan({ amountCents: 2_500n, givenCents: 5_000n })).toMatchObject({ creditCents: 0n });
  expect(plan({ amountCents: 2_501n, givenCents: 5_000n })).toMatchObject({
    code: 'limit_reached',
  });
  expect(plan({ amountCents: 1n, givenCents: 7_500n })).toMatchObject({ code: 'limit_reached' });
});

test('R41 the last second of day 31 counts, the next one does not', () => {
  const last = UPGRADED_AT + 31n * 86_400n;
  expect(plan({ now: toDate(last) })).toMatchObject({ creditCents: 0n });
  expect(plan({ now: toDate(last + 1n) })).toMatchObject({ code: 'too_late' });
});

test('R41 never more than was paid; what is not yet invoiced is given as credit', () => {
  const payments = [{ invoiceId: 'inv_1', leftCents: 300n }];
  expect(plan({ payments, amountCents: 301n })).toMatchObject({ code: 'more_than_paid' });
  expect(plan({ payments: [], notYetInvoicedCents: 645n, amountCents: 645n })).toEqual({
    refunds: [],
    creditCents: 645n,
  });
  expect(plan({ payments, notYetInvoicedCents: 200n, amountCents: 500n })).toEqual({
    refunds: [{ invoiceId: 'inv_1', amountCents: 300n }],
    creditCents: 200n,
  });
});

test('nothing is given to an account that never upgraded, nor an amount below one cent', () => {
  expect(plan({ upgradedAt: undefined })).toMatchObject({ code: 'never_upgraded' });
  expect(plan({ amountCents: 0n })).toMatchObject({ code: 'amount_invalid' });
  expect(plan({ amountCents: -5n })).toMatchObject({ code: 'amount_invalid' });
});

test('a plan adds up to what was asked, and takes no more from a payment than is left of it', () => {
  const cents = fc.bigInt({ min: -50n, max: 4_000n });
  fc.assert(
    fc.property(
      fc.array(cents, { maxLength: 6 }),
      fc.bigInt({ min: 1n, max: 8_000n }),
      cents,
      (left, amountCents, notYetInvoicedCents) => {
        const payments = left.map((leftCents, n) => ({ invoiceId: `inv_${n}`, leftCents }));
        const planned = plan({ payments, amountCents, notYetInvoicedCents });
        if ('code' in planned) return;
        const sum = planned.refunds.reduce((total, refund) => total + refund.amountCents, 0n);
        expect(sum + planned.creditCents).toBe(amountCents);
        for (const refund of planned.refunds) {
          const payment = payments.find(({ invoiceId }) => invoiceId === refund.invoiceId);
          expect(refund.amountCents).toBeGreaterThan(0n);
          expect(refund.amountCents).toBeLessThanOrEqual(payment?.leftCents ?? 0n);
        }
      },
    ),
  );
});
