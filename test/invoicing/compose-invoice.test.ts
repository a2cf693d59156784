import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  composeInvoice,
  invoiceIdOf,
  linesSha256,
  type InvoiceLine,
} from '../../src/invoicing/compose-invoice.ts';
import { withEntries, type Balances } from '../../src/ledger/entry.ts';
import { totalOf, type AppLine } from '../../src/pricing/line.ts';

const NONE: Balances = { credit: 0n, carried: 0n, written_off: 0n, cash: 0n };
const MINIMUM = 50n;

function appLine(amountCents: bigint, app = 'web'): AppLine {
  return { kind: 'app', app, rssTenths: 0n, description: `App ${app}`, amountCents };
}

function compose(
  amountCents: bigint | undefined,
  balances: Partial<Balances> = {},
  isLast = false,
) {
  return composeInvoice({
    accountId: 'acme',
    periodStart: 1_768_003_200n,
    lines: amountCents === undefined ? [] : [appLine(amountCents)],
    balances: { ...NONE, ...balances },
    minimumChargeCents: MINIMUM,
    isLast,
  });
}

function rows(lines: readonly InvoiceLine[]): string[] {
  return lines.map((line) => `${line.kind} ${line.amountCents}`);
}

/** What the ledger holds once the invoice's entries are written. */
function after(balances: Partial<Balances>, amountCents: bigint | undefined): Balances {
  return withEntries({ ...NONE, ...balances }, compose(amountCents, balances).ledgerEntries);
}

test('without credit or carried amounts an invoice is its lines', () => {
  const invoice = compose(2_500n);
  expect(rows(invoice.lines)).toEqual(['app 2500']);
  expect(invoice.totalCents).toBe(2_500n);
  expect(invoice.ledgerEntries).toEqual([]);
});

test('usage worth nothing makes an invoice of 0, which needs no Stripe (R41b)', () => {
  expect(compose(undefined)).toMatchObject({ lines: [], totalCents: 0n, ledgerEntries: [] });
  expect(rows(compose(0n).lines)).toEqual(['app 0']);
});

describe('credit (R40)', () => {
  test('of 1,000 on 2,500 cents leaves 1,500 to charge and no credit', () => {
    expect(rows(compose(2_500n, { credit: 1_000n }).lines)).toEqual(['app 2500', 'credit -1000']);
    expect(compose(2_500n, { credit: 1_000n }).totalCents).toBe(1_500n);
    expect(after({ credit: 1_000n }, 2_500n)).toEqual(NONE);
  });

  test('of 3,000 on 2,500 cents leaves nothing to charge and 500 of credit', () => {
    expect(rows(compose(2_500n, { credit: 3_000n }).lines)).toEqual(['app 2500', 'credit -2500']);
    expect(compose(2_500n, { credit: 3_000n }).totalCents).toBe(0n);
    expect(after({ credit: 3_000n }, 2_500n)).toEqual({ ...NONE, credit: 500n });
  });

  test('is not touched by an invoice of 0', () => {
    expect(rows(compose(undefined, { credit: 3_000n }).lines)).toEqual([]);
    expect(after({ credit: 3_000n }, undefined)).toEqual({ ...NONE, credit: 3_000n });
  });

  test('pays what was carried over too', () => {
    expect(rows(compose(30n, { credit: 100n, carried: 40n }).lines)).toEqual([
      'app 30',
      'carried 40',
      'credit -70',
    ]);
    expect(after({ credit: 100n, carried: 40n }, 30n)).toEqual({ ...NONE, credit: 30n });
  });

  test('that leaves less than the minimum charge has the rest carried', () => {
    expect(rows(compose(2_500n, { credit: 2_451n }).lines)).toEqual([
      'app 2500',
      'credit -2451',
      'carried -49',
    ]);
    expect(after({ credit: 2_451n }, 2_500n)).toEqual({ ...NONE, carried: 49n });
    expect(compose(2_500n, { credit: 2_450n }).totalCents).toBe(50n);
  });

  test('is used by an entry that names its invoice', () => {
    const { invoiceId, ledgerEntries } = compose(2_500n, { credit: 1_000n });
    expect(ledgerEntries).toEqual([
      {
        accountId: 'acme',
        entryId: `credit_applied:${invoiceId}`,
        book: 'credit',
        kind: 'credit_applied',
        amountCents: -1_000n,
        invoiceId,
        actor: 'close',
      },
    ]);
  });
});

describe('a total below the minimum charge (R41b)', () => {
  test('is carried to the next invoice on a line that says why', () => {
    const invoice = compose(49n);
    expect(invoice.lines.at(-1)).toEqual({
      kind: 'carried',
      description: 'Carried to the next invoice: below the minimum charge of $0.50',
      amountCents: -49n,
    });
    expect(invoice.totalCents).toBe(0n);
    expect(after({}, 49n)).toEqual({ ...NONE, carried: 49n });
  });

  test('of exactly the minimum is charged', () => {
    expect(rows(compose(50n).lines)).toEqual(['app 50']);
    expect(compose(50n).totalCents).toBe(50n);
  });

  test('comes back on the next invoice, is charged once, and is gone', () => {
    expect(rows(compose(2n, { carried: 49n }).lines)).toEqual(['app 2', 'carried 49']);
    expect(compose(2n, { carried: 49n }).totalCents).toBe(51n);
    expect(after({ carried: 49n }, 2n)).toEqual(NONE);
  });

  test('goes on being carried until it is enough, each time by a line in and a line out', () => {
    expect(rows(compose(1n, { carried: 48n }).lines)).toEqual([
      'app 1',
      'carried 48',
      'carried -49',
    ]);
    expect(after({ carried: 48n }, 1n)).toEqual({ ...NONE, carried: 49n });
  });

  test('is charged when there is no minimum', () => {
    const invoice = composeInvoice({
      accountId: 'acme',
      periodStart: 0n,
      lines: [appLine(1n)],
      balances: NONE,
      minimumChargeCents: 0n,
      isLast: false,
    });
    expect([rows(invoice.lines), invoice.totalCents]).toEqual([['app 1'], 1n]);
  });
});

describe('a total below the minimum charge on the last invoice (R41b)', () => {
  test('is written off, on a line that says why', () => {
    const invoice = compose(19n, { carried: 30n }, true);
    expect(invoice.lines.at(-1)).toEqual({
      kind: 'written_off',
      description: 'Written off: below the minimum charge of $0.50, and no invoice follows',
      amountCents: -49n,
    });
    expect(withEntries({ ...NONE, carried: 30n }, invoice.ledgerEntries)).toEqual({
      ...NONE,
      written_off: 49n,
    });
  });

  test('comes back when corrections make one more, so that both come to what one would have', () => {
    expect(rows(compose(100n, { written_off: 49n }, true).lines)).toEqual([
      'app 100',
      'written_off 49',
    ]);
    expect(rows(compose(-100n, { written_off: 49n }, true).lines)).toEqual([
      'app -100',
      'written_off 49',
      'credit 51',
    ]);
  });
});

describe('corrections that outweigh everything (R60)', () => {
  test('become credit', () => {
    expect(rows(compose(-700n).lines)).toEqual(['app -700', 'credit 700']);
    expect(compose(-700n).totalCents).toBe(0n);
    expect(after({}, -700n)).toEqual({ ...NONE, credit: 700n });
  });

  test('pay what was carried over first', () => {
    expect(rows(compose(-700n, { carried: 40n }).lines)).toEqual([
      'app -700',
      'carried 40',
      'credit 660',
    ]);
    expect(after({ carried: 40n }, -700n)).toEqual({ ...NONE, credit: 660n });
  });

  test('leave the credit there was as it is', () => {
    expect(after({ credit: 100n }, -700n)).toEqual({ ...NONE, credit: 800n });
  });
});

test('whatever the amounts: nothing is lost, nothing is charged twice, and a charge is worth it', () => {
  const amounts = fc.array(fc.bigInt({ min: -3_000n, max: 3_000n }), { maxLength: 5 });
  const balance = fc.oneof(
    fc.constant(0n),
    fc.bigInt({ min: 0n, max: 100n }),
    fc.bigInt({ min: 0n, max: 9_000n }),
  );
  fc.assert(
    fc.property(amounts, balance, balance, balance, fc.boolean(), (given, ...left) => {
      const [credit, carried, writtenOff, isLast] = left;
      const balances = { ...NONE, credit, carried, written_off: writtenOff };
      const lines = given.map((amount) => appLine(amount));
      const invoice = composeInvoice({
        accountId: 'acme',
        periodStart: 0n,
        lines,
        balances,
        minimumChargeCents: MINIMUM,
        isLast,
      });
      const then = withEntries(balances, invoice.ledgerEntries);
      const owed = totalOf(lines) + carried + writtenOff - credit;
      expect(invoice.totalCents + then.carried + then.written_off - then.credit).toBe(owed);
      expect(invoice.totalCents).toBe(totalOf(invoice.lines));
      expect(invoice.totalCents === 0n || invoice.totalCents >= MINIMUM).toBe(true);
      expect(then.credit >= 0n && then.carried >= 0n && then.written_off >= 0n).toBe(true);
      expect(then.carried + then.written_off < MINIMUM).toBe(true);
      expect(isLast ? then.carried : then.written_off).toBe(0n);
      const ids = invoice.ledgerEntries.map(({ entryId }) => entryId);
      expect(new Set(ids).size).toBe(ids.length);
    }),
  );
});

describe('the id of an invoice', () => {
  test('is the same whenever it is composed again, whatever it contains', () => {
    expect(compose(1n).invoiceId).toBe(compose(2_500n, { credit: 7n }).invoiceId);
    expect(compose(1n).invoiceId).toBe(invoiceIdOf('acme', 1_768_003_200n, 0));
    expect(compose(1n).invoiceId).toMatch(/^inv_[0-9a-f]{24}$/);
  });

  test('differs by account, period and revision', () => {
    const ids = [
      invoiceIdOf('acme', 1n, 0),
      invoiceIdOf('acme', 1n, 1),
      invoiceIdOf('acme', 10n, 0),
      invoiceIdOf('acme","1', 0n, 0),
      invoiceIdOf('other', 1n, 0),
    ];
    expect(new Set(ids).size).toBe(ids.length);
  });
});

test('the fingerprint of the lines changes with every kind, description, amount and order', () => {
  const lines = [appLine(1n, 'a'), appLine(2n, 'b')];
  const prints = [
    lines,
    lines.toReversed(),
    [appLine(2n, 'a'), appLine(2n, 'b')],
    [appLine(1n, 'a'), appLine(2n, 'c')],
    [{ kind: 'credit', description: 'App a', amountCents: 1n } as const, appLine(2n, 'b')],
    [lines[0]!],
    [],
  ].map(linesSha256);
  expect(new Set(prints).size).toBe(prints.length);
  expect(linesSha256(lines)).toBe(prints[0]);
});
