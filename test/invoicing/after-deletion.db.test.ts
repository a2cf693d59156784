import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listInvoices } from '../../src/invoicing/list-invoices.ts';
import { parseInstant } from '../../src/values/instant.ts';
import { openLateFacts, type Tell } from '../support/late-facts.ts';

let billing: Awaited<ReturnType<typeof openLateFacts>>;
beforeAll(async () => {
  billing = await openLateFacts();
});
afterAll(async () => await billing.drop());

/** The invoices of an account that was deleted in the middle of January, after facts that came late. */
async function closedAccount(facts: (tell: Tell) => Promise<unknown>) {
  const { account, tell } = await billing.payer();
  await tell('account.deleted', '2026-01-16T00:00:00Z');
  await billing.close('2026-01-16T00:00:00Z');
  await facts(tell);
  await billing.close('2026-01-20T00:00:00Z');
  await billing.close('2026-02-01T00:00:00Z');
  return { account, tell };
}

describe('facts that come after the final invoice of an account', () => {
  test('are billed by one more invoice on its next boundary', async () => {
    const { account } = await closedAccount(async (tell) => {
      await tell('app.scaled', '2026-01-15T00:00:00Z', { app: 'web', replicas: 3, size: 0.5 });
      await tell('app.scaled', '2026-01-10T00:00:00Z', { app: 'web', replicas: 2, size: 0.5 });
    });
    const [final, correction, ...more] = await listInvoices(billing.db, account);
    expect(more).toEqual([]);
    expect(final).toMatchObject({ periodEnd: correction!.periodStart, totalCents: 1210n });
    // 5 days of 1 × 0.5 more, and a day of 2 × 0.5: 7 × 43,200 × $0.00001866786.
    expect(correction).toMatchObject({
      periodEnd: parseInstant('2026-02-01T00:00:00Z')!.second,
      totalCents: 564n,
      state: 'frozen',
      lines: [{ kind: 'adjustment', app: 'web', quantity: 3_024_000n, amountCents: 564n }],
    });
    await billing.prove(account);
  });

  test('become credit when it was billed too much, also when its end is moved back', async () => {
    const { account } = await closedAccount(
      async (tell) => await tell('account.deleted', '2026-01-11T00:00:00Z'),
    );
    expect(await billing.corrections(account)).toEqual([[], [-404n]]);
    expect(await billing.balances(account)).toMatchObject({ credit: 404n });
    await billing.prove(account);
  });

  test('come again and again: each time the next invoice brings the difference', async () => {
    const { account, tell } = await closedAccount(async (say) => {
      await say('app.scaled', '2026-01-15T00:00:00Z', { app: 'web', replicas: 3, size: 0.5 });
    });
    await tell('app.scaled', '2026-01-14T00:00:00Z', { app: 'web', replicas: 2, size: 0.5 });
    await billing.close('2026-02-03T00:00:00Z');
    await billing.close('2026-03-01T00:00:00Z');
    await billing.close('2026-04-01T00:00:00Z');
    expect(await billing.corrections(account)).toEqual([[], [161n], [81n]]);
    await billing.prove(account);
  });

  test('older than corrections reach are reported, and billed by nobody', async () => {
    const { account, tell } = await closedAccount(async () => {});
    await tell('app.scaled', '2026-01-14T00:00:00Z', { app: 'web', replicas: 2, size: 0.5 });
    await billing.close('2027-03-02T00:00:00Z');
    await billing.close('2027-04-01T00:00:00Z');
    expect(await billing.corrections(account)).toEqual([[]]);
    expect(await billing.signals(account)).toMatchObject([
      { kind: 'account.facts_too_late', details: { corrected_from: '2026-02-01T00:00:00Z' } },
    ]);
  });

  test('that change nothing make no invoice', async () => {
    const { account } = await closedAccount(async (tell) => {
      await tell('app.scaled', '2026-01-15T00:00:00Z', { app: 'web', replicas: 1, size: 0.5 });
      await tell('app.scaled', '2026-01-20T00:00:00Z', { app: 'web', replicas: 5, size: 0.5 });
    });
    expect(await billing.corrections(account)).toEqual([[]]);
    await billing.prove(account);
  });
});

describe('what the last invoice of an account is too small to charge (R41b)', () => {
  test('is written off, also when it was carried before the end was heard of, and comes back with corrections', async () => {
    const { account, tell } = await billing.payer();
    await tell('app.scaled', '2026-01-01T06:00:00Z', { app: 'web', replicas: 0, size: 0.5 });
    await billing.close('2026-02-01T00:00:00Z');
    expect(await billing.balances(account)).toMatchObject({ carried: 20n, written_off: 0n });
    // It ended where its last closed period does: no other is left that could carry the 20 cents.
    await tell('account.deleted', '2026-02-01T00:00:00Z');
    await billing.close('2026-02-02T00:00:00Z');
    await billing.close('2026-03-01T00:00:00Z');
    expect(await billing.balances(account)).toMatchObject({ carried: 0n, written_off: 20n });
    expect((await listInvoices(billing.db, account)).at(-1)).toMatchObject({
      state: 'settled',
      lines: [
        { kind: 'carried', amountCents: 20n },
        { kind: 'written_off', amountCents: -20n },
      ],
    });
    await tell('app.scaled', '2026-01-02T00:00:00Z', { app: 'web', replicas: 1, size: 0.5 });
    await tell('app.scaled', '2026-01-03T00:00:00Z', { app: 'web', replicas: 0, size: 0.5 });
    await billing.close('2026-03-02T00:00:00Z');
    await billing.close('2026-04-01T00:00:00Z');
    expect(await billing.balances(account)).toMatchObject({ carried: 0n, written_off: 0n });
    expect((await listInvoices(billing.db, account)).at(-1)).toMatchObject({
      totalCents: 101n,
      lines: [
        { kind: 'adjustment', amountCents: 81n },
        { kind: 'written_off', amountCents: 20n },
      ],
    });
    await billing.prove(account);
  });
});
