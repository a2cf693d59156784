import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventParser } from '../../src/events/parse-event.ts';
import { closeDuePeriods } from '../../src/invoicing/close-periods.ts';
import { listInvoices } from '../../src/invoicing/list-invoices.ts';
import { previewBill } from '../../src/invoicing/previews/preview-bill.ts';
import { findAccount } from '../../src/accounts/store.ts';
import { addEntries, balancesOf } from '../../src/ledger/store.ts';
import { eventRecorder, type RecordEvents } from '../../src/metering/record-events.ts';
import { formatSecond, toSecond } from '../../src/values/instant.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { reporter } from '../support/reports.ts';

const recordedAt = new Date('2027-01-01T00:00:00Z');
let database: TestDatabase;
let record: RecordEvents;
let accounts = 0;

beforeAll(async () => {
  database = await freshDatabase();
  record = eventRecorder({ db: database.db, parse: eventParser(1000) });
});
afterAll(async () => await database.drop());

const failed: string[] = [];
async function close(at: string, graceSeconds = 0n) {
  return await closeDuePeriods(database.db, new Date(at), {
    graceSeconds,
    onFailure: (account) => failed.push(account),
  });
}

/** A STANDARD account signed up on 1 January 2026 that runs 1 × 0.5. */
async function payingAccount(): Promise<string> {
  const account = `payer-${++accounts}`;
  const say = reporter(account);
  await record(recordedAt, [
    say('account.created', '2026-01-01T00:00:00Z', { account, email: 'p@payer.example' }),
    say('account.upgraded', '2026-01-01T00:00:00Z', { account }),
    say('app.deployed', '2026-01-01T00:00:00Z', { account, app: 'web', replicas: 1, size: 0.5 }),
  ]);
  return account;
}

async function summary(account: string) {
  return (await listInvoices(database.db, account)).map((invoice) => ({
    from: formatSecond(invoice.periodStart).slice(0, 10),
    to: formatSecond(invoice.periodEnd).slice(0, 10),
    total: invoice.totalCents,
    state: invoice.state,
  }));
}

test('what ended by an instant that is long past is closed, and nothing after it', async () => {
  const account = await payingAccount();
  const until = async (at: string) =>
    await closeDuePeriods(database.db, new Date('2026-03-01T00:59:59Z'), {
      graceSeconds: 3600n,
      until: toSecond(new Date(at)),
      onFailure: (failure) => failed.push(failure),
    });
  await until('2026-01-31T23:59:59Z');
  expect(await summary(account)).toEqual([]);
  await until('2026-02-01T00:00:00Z');
  expect((await summary(account)).map(({ to }) => to)).toEqual(['2026-02-01']);
  // The next one waits for its grace, whatever is asked for.
  await until('2026-03-01T00:00:00Z');
  await until('2026-04-01T00:00:00Z');
  expect((await summary(account)).map(({ to }) => to)).toEqual(['2026-02-01']);
});

test('a period is closed after its grace, not before, and only once', async () => {
  const account = await payingAccount();
  await close('2026-02-01T00:59:59Z', 3600n);
  expect(await summary(account)).toEqual([]);
  await close('2026-02-01T01:00:00Z', 3600n);
  await close('2026-02-01T01:00:00Z', 3600n);
  expect(await summary(account)).toEqual([
    { from: '2026-01-01', to: '2026-02-01', total: 2500n, state: 'frozen' },
  ]);
});

test('after a long outage each missed period is closed once, in order, whoever comes first', async () => {
  const account = await payingAccount();
  await Promise.all(Array.from({ length: 6 }, async () => await close('2026-05-15T00:00:00Z')));
  expect((await summary(account)).map(({ from, total }) => [from, total])).toEqual([
    ['2026-01-01', 2500n],
    ['2026-02-01', 2258n],
    ['2026-03-01', 2500n],
    ['2026-04-01', 2419n],
  ]);
});

test('the preview of a whole period equals its invoice, line for line', async () => {
  const account = await payingAccount();
  const found = await findAccount(database.db, account);
  const preview = await previewBill(
    database.db,
    found!,
    toSecond(new Date('2026-01-31T23:59:59Z')),
  );
  await close('2026-02-01T00:00:00Z');
  const [invoice] = await listInvoices(database.db, account);
  expect(preview.totalCents).toBe(2500n);
  expect(invoice!.lines.map(({ amountCents }) => amountCents)).toEqual(
    preview.lines.map(({ amountCents }) => amountCents),
  );
});

test('an account that was deleted gets its final invoice at once, cut at the deletion (R56)', async () => {
  const account = await payingAccount();
  const say = reporter(`${account}-end`);
  await record(recordedAt, [say('account.deleted', '2026-02-15T12:00:00Z', { account })]);
  await close('2026-02-15T12:00:00Z', 3600n);
  expect((await summary(account)).map(({ from, to }) => [from, to])).toEqual([
    ['2026-01-01', '2026-02-01'],
    ['2026-02-01', '2026-02-15'],
  ]);
  await close('2026-12-01T00:00:00Z');
  expect(await summary(account)).toHaveLength(2);
});

test('credit lowers what is charged, to nothing at most; the rest stays (R40)', async () => {
  const account = await payingAccount();
  const grant = { accountId: account, entryId: 'grant', book: 'credit', kind: 'credit_granted' };
  await addEntries(database.db, recordedAt, [
    { ...grant, amountCents: 3000n, actor: 'test' } as Parameters<typeof addEntries>[2][number],
  ]);
  await close('2026-02-01T00:00:00Z');
  expect((await summary(account))[0]).toMatchObject({ total: 0n, state: 'settled' });
  expect((await balancesOf(database.db, [account])).get(account)?.credit).toBe(500n);
  await close('2026-03-01T00:00:00Z');
  expect((await summary(account))[1]).toMatchObject({ total: 1758n, state: 'frozen' });
  expect((await balancesOf(database.db, [account])).get(account)?.credit).toBe(0n);
});

test('an account that cannot be closed stays due and stops nobody else', async () => {
  const [good, bad] = [await payingAccount(), await payingAccount()];
  const period = { start_at: 1767225600n, end_at: 1769904000n, tier: 'FREE' };
  await database.db
    .insertInto('billing_period')
    .values({ account_id: bad, closed_at: recordedAt, ...period })
    .execute();
  failed.length = 0;
  await close('2026-02-01T00:00:00Z');
  expect(failed).toEqual([bad]);
  expect(await summary(good)).toHaveLength(1);
  expect(await summary(bad)).toEqual([]);
  await database.db.deleteFrom('billing_period').where('account_id', '=', bad).execute();
});

test('frozen lines and ledger entries cannot be changed or deleted', async () => {
  await payingAccount();
  await close('2026-02-01T00:00:00Z');
  await expect(database.pool.query('update invoice_line set amount_cents = 0')).rejects.toThrow(
    'its rows are facts',
  );
  await expect(database.pool.query('delete from ledger_entry')).rejects.toThrow('are facts');
});
