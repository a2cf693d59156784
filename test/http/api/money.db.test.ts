import { afterAll, beforeAll, expect, test } from 'vitest';
import { closeDuePeriods } from '../../../src/invoicing/close-periods.ts';
import { grantCredit } from '../../../src/ledger/grant-credit.ts';
import { openPlatform, type Member, type Platform } from './support/platform.ts';

let platform: Platform;
beforeAll(async () => {
  platform = await openPlatform();
});
afterAll(async () => await platform.close());

/** A member that runs an app of 1 × 0.5 on the standard tier. */
async function running(): Promise<Member & { app: string }> {
  const member = await platform.member();
  await member.today.upgrade('tok_visa');
  const app = await member.old.create();
  const { accountId: account } = member;
  await platform.report('app.deployed', { account, app, replicas: 1, size: 0.5 });
  return { ...member, app };
}

async function close(): Promise<void> {
  await closeDuePeriods(platform.db, platform.clock(), {
    graceSeconds: 0n,
    onFailure: (accountId, error) => {
      throw new Error(`${accountId}: ${String(error)}`);
    },
  });
}

test('set_payment_method and payment_method, in either release and either tier', async () => {
  const { old, today } = await platform.member();
  expect(await old.paymentMethod()).toBe('No payment method found.');
  await old.setPaymentMethod('tok_visa');
  const visa = { brand: 'visa', last4: '4242' };
  expect(await today.paymentMethod()).toMatchObject(visa);
  expect(Object.keys(await old.paymentMethod()).toSorted()).toEqual([
    'brand',
    'exp_month',
    'exp_year',
    'last4',
  ]);
  await today.setPaymentMethod('tok_mastercard');
  expect(await old.paymentMethod()).toMatchObject({ brand: 'mastercard' });
  await expect(old.setPaymentMethod('tok_visa_chargeDeclined')).rejects.toMatchObject({
    status: 422,
    message: expect.stringMatching(/declined/),
  });
  await expect(today.setPaymentMethod('4242')).rejects.toMatchObject({ status: 422 });
  expect(await old.paymentMethod()).toMatchObject({ brand: 'mastercard' });
});

test('0.15.0: upgrade needs a payment method first, and happens once', async () => {
  const { old } = await platform.member();
  await expect(old.upgrade()).rejects.toThrow(/no payment method/);
  expect(await old.account()).toMatchObject({ tier: 'FREE' });
  await old.setPaymentMethod('tok_visa');
  await old.upgrade();
  expect(await old.account()).toMatchObject({ tier: 'STANDARD' });
  await expect(old.upgrade()).rejects.toMatchObject({
    status: 422,
    message: expect.stringContaining('standard tier already'),
  });
});

test('1.16.1: upgrade sets the card and upgrades; a second one changes neither', async () => {
  const { today } = await platform.member();
  await expect(today.upgrade('tok_visa', 'SAVE10')).rejects.toThrow(/promo_code/);
  await expect(today.upgrade('tok_visa_chargeDeclined')).rejects.toMatchObject({ status: 422 });
  expect(await today.account()).toMatchObject({ tier: 'FREE' });
  await today.upgrade('tok_visa');
  expect(await today.account()).toMatchObject({ tier: 'STANDARD' });
  await expect(today.upgrade('tok_mastercard')).rejects.toMatchObject({ status: 422 });
  expect(await today.paymentMethod()).toMatchObject({ brand: 'visa' });
});

test('of upgrades at once one happens', async () => {
  const { old, accountId } = await platform.member();
  await old.setPaymentMethod('tok_visa');
  const upgrades = await Promise.allSettled([0, 1, 2, 3].map(async () => old.upgrade()));
  expect(upgrades.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  const { count } = await platform.db
    .selectFrom('event')
    .select((select) => select.fn.countAll<bigint>().as('count'))
    .where('account_id', '=', accountId)
    .where('type', '=', 'account.upgraded')
    .executeTakeFirstOrThrow();
  expect(count).toBe(1n);
});

test('account shows the credit that is left', async () => {
  const { old, accountId } = await platform.member();
  await grantCredit(platform.db, platform.clock(), {
    accountId,
    creditId: 'welcome',
    amountCents: 1_000n,
    actor: 'test',
    reason: 'welcome',
  });
  expect(await old.account()).toMatchObject({ credit_cents: 1_000 });
});

test('account:usage:running is what a whole period costs at present levels', async () => {
  const { today, app } = await running();
  // From 10 February to 10 March: 28 days × 0.5 × $0.00001866786.
  expect(await today.runRate()).toEqual([
    { app, amount_cents: 2_258, replica_size_seconds: 1_209_600 },
  ]);
  await today.scale(app, { replicas: 0 });
  expect(await today.runRate()).toEqual([]);
  const free = await platform.member();
  const own = await free.old.create();
  await platform.report('app.deployed', {
    account: free.accountId,
    app: own,
    replicas: 1,
    size: 0.2,
  });
  expect(await free.today.runRate()).toMatchObject([{ app: own, amount_cents: 0 }]);
});

test('usage: a row per app and database with what it costs so far; free before the upgrade', async () => {
  const { old, today, accountId: account } = await platform.member();
  const app = await old.create();
  await platform.report('app.deployed', { account, app, replicas: 1, size: 0.2 });
  await today.createFreeDatabase(app);
  const [{ id }] = await old.databases(app);
  await platform.report('database.available', { account, app, database: id, size: 0.6 });
  await platform.pass({ hours: 240 });
  expect(await old.usage()).toEqual([
    { app, amount_cents: 0, replica_size_seconds: 172_800 },
    {
      app,
      amount_cents: 0,
      replica_size_seconds: 0,
      database_id: id,
      database_size: 0.6,
      database_seconds: 864_000,
    },
  ]);
  await today.upgrade('tok_visa');
  await platform.pass({ hours: 240 });
  const rows = await today.usage();
  // 172,800 RSS × $0.00001866786 since the upgrade; $25 × 10 of the days of a period.
  expect(rows[0]).toEqual({ app, amount_cents: 323, replica_size_seconds: 345_600 });
  expect(rows[1]).toMatchObject({ amount_cents: 893, database_seconds: 1_728_000 });
});

test('invoices: past periods, oldest first, a row per app; the end of one is the start of the next', async () => {
  const { old, today, app } = await running();
  const start = platform.clock();
  const second = await today.create();
  expect(await old.invoices()).toEqual([]);
  await platform.pass({ hours: 40 * 24 });
  await close();
  await platform.pass({ hours: 31 * 24 });
  await close();
  const rows = await today.invoices();
  expect(rows).toEqual(await old.invoices());
  expect(rows).toHaveLength(2);
  expect(Object.keys(rows[0])).toEqual(
    expect.arrayContaining([
      'app_name',
      'amount_cents',
      'paid',
      'period_end',
      'period_start',
      'replica_size_seconds',
    ]),
  );
  expect(rows[0]).toMatchObject({
    app_name: app,
    paid: false,
    period_start: start.toISOString().replace(/\.\d+Z/, '.000+00:00'),
  });
  expect(rows[0].period_end).toBe(rows[1].period_start);
  expect(rows.map(({ app_name: name }: { app_name: string }) => name)).not.toContain(second);
  const { total } = await platform.db
    .selectFrom('invoice')
    .select((select) => select.fn.sum<string>('total_cents').as('total'))
    .where('account_id', '=', await platform.accountOf(today.terminal.netrc![0]))
    .executeTakeFirstOrThrow();
  const sum = rows.reduce(
    (cents: number, row: { amount_cents: number }) => cents + row.amount_cents,
    0,
  );
  expect(sum).toBe(Number(total));
});

test('a period without usage has a paid row of nothing; one in the free tier has none', async () => {
  const paying = await platform.member();
  await paying.today.upgrade('tok_visa');
  const free = await platform.member();
  await platform.pass({ hours: 32 * 24 });
  await close();
  expect(await paying.old.invoices()).toMatchObject([
    { app_name: null, amount_cents: 0, replica_size_seconds: 0, paid: true },
  ]);
  expect(await free.old.invoices()).toEqual([]);
});

test('after the boundary usage starts again at 0', async () => {
  const { old, app } = await running();
  await platform.pass({ hours: 24 });
  const [before] = await old.usage();
  expect(before.replica_size_seconds).toBe(43_200);
  const member = await platform.db
    .selectFrom('account')
    .select('next_close_at')
    .where('email', '=', old.terminal.netrc![0])
    .executeTakeFirstOrThrow();
  const seconds = Number(member.next_close_at) - Math.floor(platform.clock().getTime() / 1000);
  await platform.pass({ seconds: seconds + 10 });
  expect(await old.usage()).toEqual([{ app, amount_cents: 0, replica_size_seconds: 5 }]);
});
