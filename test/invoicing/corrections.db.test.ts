import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventParser } from '../../src/events/parse-event.ts';
import { closeDuePeriods } from '../../src/invoicing/close-periods.ts';
import { listInvoices } from '../../src/invoicing/list-invoices.ts';
import { balancesOf } from '../../src/ledger/store.ts';
import { eventRecorder, type RecordEvents } from '../../src/metering/record-events.ts';
import { addPriceBook } from '../../src/pricing/change-price-books.ts';
import { DOCUMENTED_PRICES } from '../../src/pricing/price-book.ts';
import { makeBundle } from '../../src/proof/bundle.ts';
import { sealEvents } from '../../src/proof/seal-events.ts';
import { verifyAccount } from '../../src/proof/verify-account.ts';
import { parseInstant } from '../../src/values/instant.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { reporter } from '../support/reports.ts';

const recordedAt = new Date('2028-01-01T00:00:00Z');
let database: TestDatabase;
let record: RecordEvents;
let accounts = 0;

beforeAll(async () => {
  database = await freshDatabase();
  record = eventRecorder({ db: database.db, parse: eventParser(1000) });
});
afterAll(async () => await database.drop());

/** A STANDARD account since 1 January 2026 whose app runs 1 × 0.5: $25.00 a month of 31 days. */
async function payer() {
  const account = `corrected-${++accounts}`;
  const say = reporter(account);
  const tell = async (type: string, time: string, data: Record<string, unknown> = {}) =>
    await record(recordedAt, [say(type, time, { account, ...data })]);
  await tell('account.created', '2026-01-01T00:00:00Z', { email: 'p@payer.example' });
  await tell('account.upgraded', '2026-01-01T00:00:00Z');
  await tell('app.deployed', '2026-01-01T00:00:00Z', { app: 'web', replicas: 1, size: 0.5 });
  return { account, tell };
}

async function close(at: string): Promise<void> {
  await closeDuePeriods(database.db, new Date(at), {
    graceSeconds: 0n,
    onFailure: (_account, error) => {
      throw error;
    },
  });
}

async function corrections(account: string) {
  const invoices = await listInvoices(database.db, account);
  return invoices.map(({ lines }) =>
    lines.filter(({ kind }) => kind === 'adjustment').map((line) => line.amountCents),
  );
}

async function signals(account: string) {
  const rows = await database.db
    .selectFrom('signal')
    .select(['kind', 'details'])
    .where('account_id', '=', account)
    .execute();
  return rows;
}

test('a late job is billed with the next invoice', async () => {
  const { account, tell } = await payer();
  await close('2026-02-01T00:00:00Z');
  await tell('job.started', '2026-01-15T00:00:00Z', { app: 'web', job: 'j', size: 16 });
  await close('2026-03-01T00:00:00Z');
  // 300 s × 16 × $0.00001866786 = 8.96 cents; the app and its job are one line.
  expect(await corrections(account)).toEqual([[], [9n]]);
});

test('a late upgrade, earlier than the one known, charges what was free', async () => {
  const { account, tell } = await payer();
  const late = `corrected-${++accounts}`;
  const say = reporter(late);
  await record(recordedAt, [
    say('account.created', '2026-01-01T00:00:00Z', { account: late, email: 'l@late.example' }),
    say('app.deployed', '2026-01-01T00:00:00Z', {
      account: late,
      app: 'web',
      replicas: 1,
      size: 0.5,
    }),
    say('account.upgraded', '2026-02-01T00:00:00Z', { account: late }),
  ]);
  await close('2026-03-01T00:00:00Z');
  await record(recordedAt, [say('account.upgraded', '2026-01-01T00:00:00Z', { account: late })]);
  await tell('app.scaled', '2026-03-05T00:00:00Z', { app: 'web', replicas: 1, size: 0.5 });
  await close('2026-04-01T00:00:00Z');
  expect(await corrections(late)).toEqual([[], [2500n]]);
  expect(await corrections(account)).toEqual([[], [], []]);
});

test('a late scale downwards takes money back: as credit where the invoice is too small for it', async () => {
  const { account, tell } = await payer();
  await close('2026-02-01T00:00:00Z');
  await tell('app.scaled', '2026-01-01T00:00:01Z', { app: 'web', replicas: 0, size: 0.5 });
  await close('2026-03-01T00:00:00Z');
  const [, second] = await listInvoices(database.db, account);
  expect(second).toMatchObject({ totalCents: 0n, state: 'settled' });
  expect((await balancesOf(database.db, [account])).get(account)).toMatchObject({ credit: 2500n });
});

test('corrections reach thirteen months back; what is older is reported, not billed', async () => {
  const { account, tell } = await payer();
  await close('2027-05-01T00:00:00Z');
  await tell('app.scaled', '2026-02-01T00:00:00Z', { app: 'web', replicas: 2, size: 0.5 });
  await tell('app.scaled', '2026-05-01T00:00:00Z', { app: 'web', replicas: 1, size: 0.5 });
  await close('2027-06-01T00:00:00Z');
  const last = (await listInvoices(database.db, account)).at(-1)!;
  // The period that closes began on 2027-05-01: April 2026 is the first that is corrected.
  expect(last.lines.filter(({ kind }) => kind === 'adjustment')).toMatchObject([
    { amountCents: 2420n, description: expect.stringContaining('2026-04-01T00:00:00Z') },
  ]);
  expect(await signals(account)).toEqual([
    {
      kind: 'account.facts_too_late',
      details: { late_since: '2026-02-01T00:00:00Z', corrected_from: '2026-04-01T00:00:00Z' },
    },
  ]);
});

test('how far corrections reach back is said by the price book in force when the closing period began', async () => {
  const { account, tell } = await payer();
  const { db } = database;
  await addPriceBook(db, new Date('2027-08-15T00:00:00Z'), {
    id: 'two months',
    effectiveAt: parseInstant('2027-09-15T00:00:00Z')!.second,
    content: { ...DOCUMENTED_PRICES, corrected_months: 2 },
    addedBy: 'operator',
  });
  await close('2027-09-01T00:00:00Z');
  await tell('app.scaled', '2027-05-01T00:00:00Z', { app: 'web', replicas: 2, size: 0.5 });
  await tell('app.scaled', '2027-06-01T00:00:00Z', { app: 'web', replicas: 1, size: 0.5 });
  await close('2027-10-01T00:00:00Z');
  expect((await corrections(account)).at(-1)).toEqual([2500n]);
  await tell('app.scaled', '2027-07-01T00:00:00Z', { app: 'web', replicas: 2, size: 0.5 });
  await tell('app.scaled', '2027-09-01T00:00:00Z', { app: 'web', replicas: 1, size: 0.5 });
  await close('2027-11-01T00:00:00Z');
  expect((await listInvoices(db, account)).at(-1)!.lines).toMatchObject([
    { kind: 'app', amountCents: 2500n },
    { kind: 'adjustment', description: expect.stringContaining('of 2027-08-01T00:00:00Z') },
  ]);
  expect(await signals(account)).toMatchObject([
    { kind: 'account.facts_too_late', details: { corrected_from: '2027-08-01T00:00:00Z' } },
  ]);
  await sealEvents(db, account);
  expect(await verifyAccount(db, account)).toMatchObject({ breaks: [], discrepancies: [] });
  const { invoiceId } = (await listInvoices(db, account)).at(-1)!;
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'bundle-')), 'bundle.json');
  writeFileSync(file, JSON.stringify(await makeBundle(db, account, invoiceId)));
  const { stdout } = spawnSync(process.execPath, ['tools/verify-bundle.mjs', file], {
    encoding: 'utf8',
  });
  expect(stdout).toMatch(new RegExp(`^proven  ${invoiceId}`));
});

/** The invoices of an account that was deleted in the middle of January, after facts that came late. */
async function closedAccount(
  facts: (tell: Awaited<ReturnType<typeof payer>>['tell']) => Promise<unknown>,
) {
  const { account, tell } = await payer();
  await tell('account.deleted', '2026-01-16T00:00:00Z');
  await close('2026-01-16T00:00:00Z');
  await facts(tell);
  await close('2026-01-20T00:00:00Z');
  await close('2026-02-01T00:00:00Z');
  return { account, tell };
}

async function proven(account: string): Promise<void> {
  const { db } = database;
  await sealEvents(db, account);
  expect(await verifyAccount(db, account)).toMatchObject({ breaks: [], discrepancies: [] });
  for (const { invoiceId } of await listInvoices(db, account)) {
    const file = path.join(mkdtempSync(path.join(tmpdir(), 'bundle-')), 'bundle.json');
    writeFileSync(file, JSON.stringify(await makeBundle(db, account, invoiceId)));
    const { stdout } = spawnSync(process.execPath, ['tools/verify-bundle.mjs', file], {
      encoding: 'utf8',
    });
    expect(stdout).toMatch(new RegExp(`^proven  ${invoiceId}`));
  }
}

describe('facts that come after the final invoice of an account', () => {
  test('are billed by one more invoice on its next boundary', async () => {
    const { account } = await closedAccount(async (tell) => {
      await tell('app.scaled', '2026-01-15T00:00:00Z', { app: 'web', replicas: 3, size: 0.5 });
      await tell('app.scaled', '2026-01-10T00:00:00Z', { app: 'web', replicas: 2, size: 0.5 });
    });
    const [final, correction, ...more] = await listInvoices(database.db, account);
    expect(more).toEqual([]);
    expect(final).toMatchObject({ periodEnd: correction!.periodStart, totalCents: 1210n });
    // 5 days of 1 × 0.5 more, and a day of 2 × 0.5: 7 × 43,200 × $0.00001866786.
    expect(correction).toMatchObject({
      periodEnd: parseInstant('2026-02-01T00:00:00Z')!.second,
      totalCents: 564n,
      state: 'frozen',
      lines: [{ kind: 'adjustment', app: 'web', quantity: 3_024_000n, amountCents: 564n }],
    });
    await proven(account);
  });

  test('become credit when it was billed too much, also when its end is moved back', async () => {
    const { account } = await closedAccount(
      async (tell) => await tell('account.deleted', '2026-01-11T00:00:00Z'),
    );
    expect(await corrections(account)).toEqual([[], [-404n]]);
    const { db } = database;
    expect((await balancesOf(db, [account])).get(account)).toMatchObject({ credit: 404n });
    await proven(account);
  });

  test('come again and again: each time the next invoice brings the difference', async () => {
    const { account, tell } = await closedAccount(async (say) => {
      await say('app.scaled', '2026-01-15T00:00:00Z', { app: 'web', replicas: 3, size: 0.5 });
    });
    await tell('app.scaled', '2026-01-14T00:00:00Z', { app: 'web', replicas: 2, size: 0.5 });
    await close('2026-02-03T00:00:00Z');
    await close('2026-03-01T00:00:00Z');
    await close('2026-04-01T00:00:00Z');
    expect(await corrections(account)).toEqual([[], [161n], [81n]]);
    await proven(account);
  });

  test('older than corrections reach are reported, and billed by nobody', async () => {
    const { account, tell } = await closedAccount(async () => {});
    await tell('app.scaled', '2026-01-14T00:00:00Z', { app: 'web', replicas: 2, size: 0.5 });
    await close('2027-03-02T00:00:00Z');
    await close('2027-04-01T00:00:00Z');
    expect(await corrections(account)).toEqual([[]]);
    expect(await signals(account)).toMatchObject([
      { kind: 'account.facts_too_late', details: { corrected_from: '2026-02-01T00:00:00Z' } },
    ]);
  });

  test('that change nothing make no invoice', async () => {
    const { account } = await closedAccount(async (tell) => {
      await tell('app.scaled', '2026-01-15T00:00:00Z', { app: 'web', replicas: 1, size: 0.5 });
      await tell('app.scaled', '2026-01-20T00:00:00Z', { app: 'web', replicas: 5, size: 0.5 });
    });
    expect(await corrections(account)).toEqual([[]]);
    await proven(account);
  });
});

describe('what the last invoice of an account is too small to charge (R41b)', () => {
  test('is written off, also when it was carried before the end was heard of, and comes back with corrections', async () => {
    const { account, tell } = await payer();
    await tell('app.scaled', '2026-01-01T06:00:00Z', { app: 'web', replicas: 0, size: 0.5 });
    await close('2026-02-01T00:00:00Z');
    const balances = async () => (await balancesOf(database.db, [account])).get(account);
    expect(await balances()).toMatchObject({ carried: 20n, written_off: 0n });
    // It ended where its last closed period does: no other is left that could carry the 20 cents.
    await tell('account.deleted', '2026-02-01T00:00:00Z');
    await close('2026-02-02T00:00:00Z');
    await close('2026-03-01T00:00:00Z');
    expect(await balances()).toMatchObject({ carried: 0n, written_off: 20n });
    expect((await listInvoices(database.db, account)).at(-1)).toMatchObject({
      state: 'settled',
      lines: [
        { kind: 'carried', amountCents: 20n },
        { kind: 'written_off', amountCents: -20n },
      ],
    });
    await tell('app.scaled', '2026-01-02T00:00:00Z', { app: 'web', replicas: 1, size: 0.5 });
    await tell('app.scaled', '2026-01-03T00:00:00Z', { app: 'web', replicas: 0, size: 0.5 });
    await close('2026-03-02T00:00:00Z');
    await close('2026-04-01T00:00:00Z');
    expect(await balances()).toMatchObject({ carried: 0n, written_off: 0n });
    expect((await listInvoices(database.db, account)).at(-1)).toMatchObject({
      totalCents: 101n,
      lines: [
        { kind: 'adjustment', amountCents: 81n },
        { kind: 'written_off', amountCents: 20n },
      ],
    });
    await proven(account);
  });
});
