import { afterAll, beforeAll, expect, test } from 'vitest';
import { listInvoices } from '../../src/invoicing/list-invoices.ts';
import { addPriceBook } from '../../src/pricing/change-price-books.ts';
import { DOCUMENTED_PRICES } from '../../src/pricing/price-book.ts';
import { parseInstant } from '../../src/values/instant.ts';
import { openLateFacts, recordedAt } from '../support/late-facts.ts';
import { reporter } from '../support/reports.ts';

let billing: Awaited<ReturnType<typeof openLateFacts>>;
beforeAll(async () => {
  billing = await openLateFacts();
});
afterAll(async () => await billing.drop());

test('a late job is billed with the next invoice', async () => {
  const { account, tell } = await billing.payer();
  await billing.close('2026-02-01T00:00:00Z');
  await tell('job.started', '2026-01-15T00:00:00Z', { app: 'web', job: 'j', size: 16 });
  await billing.close('2026-03-01T00:00:00Z');
  // 300 s × 16 × $0.00001866786 = 8.96 cents; the app and its job are one line.
  expect(await billing.corrections(account)).toEqual([[], [9n]]);
});

test('a late upgrade, earlier than the one known, charges what was free', async () => {
  const { account, tell } = await billing.payer();
  const late = 'late upgrade';
  const say = reporter();
  await billing.record(recordedAt, [
    say('account.created', '2026-01-01T00:00:00Z', { account: late, email: 'l@late.example' }),
    say('app.deployed', '2026-01-01T00:00:00Z', {
      account: late,
      app: 'web',
      replicas: 1,
      size: 0.5,
    }),
    say('account.upgraded', '2026-02-01T00:00:00Z', { account: late }),
  ]);
  await billing.close('2026-03-01T00:00:00Z');
  await billing.record(recordedAt, [
    say('account.upgraded', '2026-01-01T00:00:00Z', { account: late }),
  ]);
  await tell('app.scaled', '2026-03-05T00:00:00Z', { app: 'web', replicas: 1, size: 0.5 });
  await billing.close('2026-04-01T00:00:00Z');
  expect(await billing.corrections(late)).toEqual([[], [2500n]]);
  expect(await billing.corrections(account)).toEqual([[], [], []]);
});

test('a late scale downwards takes money back: as credit where the invoice is too small for it', async () => {
  const { account, tell } = await billing.payer();
  await billing.close('2026-02-01T00:00:00Z');
  await tell('app.scaled', '2026-01-01T00:00:01Z', { app: 'web', replicas: 0, size: 0.5 });
  await billing.close('2026-03-01T00:00:00Z');
  const [, second] = await listInvoices(billing.db, account);
  expect(second).toMatchObject({ totalCents: 0n, state: 'settled' });
  expect(await billing.balances(account)).toMatchObject({ credit: 2500n });
});

test('corrections reach thirteen months back; what is older is reported, not billed', async () => {
  const { account, tell } = await billing.payer();
  await billing.close('2027-05-01T00:00:00Z');
  await tell('app.scaled', '2026-02-01T00:00:00Z', { app: 'web', replicas: 2, size: 0.5 });
  await tell('app.scaled', '2026-05-01T00:00:00Z', { app: 'web', replicas: 1, size: 0.5 });
  await billing.close('2027-06-01T00:00:00Z');
  const last = (await listInvoices(billing.db, account)).at(-1)!;
  // The period that closes began on 2027-05-01: April 2026 is the first that is corrected.
  expect(last.lines.filter(({ kind }) => kind === 'adjustment')).toMatchObject([
    { amountCents: 2420n, description: expect.stringContaining('2026-04-01T00:00:00Z') },
  ]);
  expect(await billing.signals(account)).toEqual([
    {
      kind: 'account.facts_too_late',
      details: { late_since: '2026-02-01T00:00:00Z', corrected_from: '2026-04-01T00:00:00Z' },
    },
  ]);
});

test('how far corrections reach back is said by the price book in force when the closing period began', async () => {
  const { account, tell } = await billing.payer();
  const { db } = billing;
  await addPriceBook(db, new Date('2027-08-15T00:00:00Z'), {
    id: 'two months',
    effectiveAt: parseInstant('2027-09-15T00:00:00Z')!.second,
    content: { ...DOCUMENTED_PRICES, corrected_months: 2 },
    addedBy: 'operator',
  });
  await billing.close('2027-09-01T00:00:00Z');
  await tell('app.scaled', '2027-05-01T00:00:00Z', { app: 'web', replicas: 2, size: 0.5 });
  await tell('app.scaled', '2027-06-01T00:00:00Z', { app: 'web', replicas: 1, size: 0.5 });
  await billing.close('2027-10-01T00:00:00Z');
  expect((await billing.corrections(account)).at(-1)).toEqual([2500n]);
  await tell('app.scaled', '2027-07-01T00:00:00Z', { app: 'web', replicas: 2, size: 0.5 });
  await tell('app.scaled', '2027-09-01T00:00:00Z', { app: 'web', replicas: 1, size: 0.5 });
  await billing.close('2027-11-01T00:00:00Z');
  expect((await listInvoices(db, account)).at(-1)!.lines).toMatchObject([
    { kind: 'app', amountCents: 2500n },
    { kind: 'adjustment', description: expect.stringContaining('of 2027-08-01T00:00:00Z') },
  ]);
  expect(await billing.signals(account)).toMatchObject([
    { kind: 'account.facts_too_late', details: { corrected_from: '2027-08-01T00:00:00Z' } },
  ]);
  await billing.prove(account);
});
