import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { closeDuePeriods } from '../../../../src/invoicing/close-periods.ts';
import { reporter } from '../../../support/reports.ts';
import { openApi, type Api, type Call } from '../../support/api.ts';

const say = reporter();
let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(async () => await api.close());

async function as(scope: keyof Api['keys'], request: Call) {
  return await api.call({ ...request, key: api.keys[scope] });
}

async function signUp(account: string): Promise<void> {
  const body = { account, email: `${account}@owner.example` };
  const answer = await as('admin', { method: 'POST', url: '/v1/accounts', body });
  expect(answer.status).toBe(201);
}

test('signing up again changes nothing; with another address it is refused', async () => {
  await signUp('again');
  const before = await as('read', { url: '/v1/accounts/again' });
  await api.world.pass({ hours: 1 });
  const body = { account: 'again', email: 'again@owner.example' };
  const same = await as('admin', { method: 'POST', url: '/v1/accounts', body });
  expect(same).toMatchObject({ status: 200, body: before.body });
  const other = await as('admin', {
    method: 'POST',
    url: '/v1/accounts',
    body: { ...body, email: 'else@owner.example' },
  });
  expect(other).toMatchObject({ status: 409, body: { code: 'account_exists' } });
});

test('of two sign-ups at once one makes the account', async () => {
  const body = { account: 'at-once', email: 'at@once.example' };
  const request = { method: 'POST', url: '/v1/accounts', body } as const;
  const answers = await Promise.all([as('admin', request), as('admin', request)]);
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 201]);
});

test('an upgrade needs a card, happens once, and shows in the tiers', async () => {
  await signUp('up');
  const upgrade = { method: 'POST', url: '/v1/accounts/up/upgrade' } as const;
  expect(await as('billing', upgrade)).toMatchObject({
    status: 409,
    body: { code: 'no_payment_method' },
  });
  expect(await as('read', { url: '/v1/accounts/up/payment-method' })).toMatchObject({
    status: 404,
    body: { code: 'no_payment_method' },
  });
  const card = { method: 'PUT', url: '/v1/accounts/up/payment-method' } as const;
  expect(await as('billing', { ...card, body: { token: 'tok_visa' } })).toMatchObject({
    status: 200,
    body: { brand: 'visa', last4: '4242' },
  });
  const upgrades = await Promise.all([as('billing', upgrade), as('billing', upgrade)]);
  expect(upgrades.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409]);
  const { body: account } = await as('read', { url: '/v1/accounts/up' });
  expect(account).toMatchObject({ tier: 'STANDARD', confirmed_at: null });
  const { body } = await as('read', { url: '/v1/accounts/up/tiers' });
  expect(body.tiers.at(-1)).toEqual({ tier: 'STANDARD', from: account.upgraded_at, to: null });
});

test('a declined card is refused with the words of the bank', async () => {
  await signUp('declined');
  const answer = await as('billing', {
    method: 'PUT',
    url: '/v1/accounts/declined/payment-method',
    body: { token: 'tok_chargeDeclined' },
  });
  expect(answer).toMatchObject({ status: 422, body: { code: 'card_declined' } });
});

test('a card number sent instead of a token is refused, not stored and not repeated', async () => {
  await signUp('typed');
  const number = '4242'.repeat(4);
  for (const body of [{ token: number }, { payment_method: number }, { token: 'seti_1' }]) {
    const url = '/v1/accounts/typed/payment-method';
    const answer = await as('billing', { method: 'PUT', url, body });
    expect(answer).toMatchObject({ status: 422, body: { code: 'card_unknown' } });
    expect(answer.body.detail).toMatch(/tok_…/);
    expect(answer.body.detail).not.toContain(number);
  }
  const { rows } = await sql<{ name: string }>`
    select tablename as name from pg_tables where schemaname = 'public'`.execute(api.db);
  for (const { name } of rows) {
    const found = await sql`
      select from ${sql.table(name)} t where t::text like ${`%${number}%`}`.execute(api.db);
    expect([name, found.rows]).toEqual([name, []]);
  }
  expect(JSON.stringify(api.world.stripe.state())).not.toContain(number);
});

test('a Checkout page is opened for setting a card', async () => {
  await signUp('checkout');
  const url = '/v1/accounts/checkout/checkout-sessions';
  const urls = { success_url: 'https://a.example/ok', cancel_url: 'https://a.example/no' };
  const answer = await as('billing', { method: 'POST', url, body: urls });
  expect(answer.status).toBe(201);
  expect(answer.body.url).toMatch(/^http/);
  const bad = { ...urls, cancel_url: 'javascript:alert(1)' };
  expect(await as('billing', { method: 'POST', url, body: bad })).toMatchObject({
    status: 422,
    body: { code: 'invalid_request', errors: [{ field: 'body.cancel_url' }] },
  });
});

test('confirming is safe to repeat', async () => {
  await signUp('confirm');
  const request = { method: 'POST', url: '/v1/accounts/confirm/confirm' } as const;
  const first = await as('admin', request);
  expect(first.body.confirmed_at).toBe(first.body.signed_up_at);
  await api.world.pass({ hours: 1 });
  expect(await as('admin', request)).toMatchObject({ status: 200, body: first.body });
});

test('a deleted account takes no more commands, and its key is refused at once', async () => {
  await signUp('leaving');
  const key = await api.accountKey('leaving');
  expect(await api.call({ url: '/v1/accounts/leaving', key })).toMatchObject({ status: 200 });
  await api.world.pass({ hours: 1 });
  const deletion = { method: 'DELETE', url: '/v1/accounts/leaving' } as const;
  const gone = await as('admin', deletion);
  expect(gone).toMatchObject({ status: 200 });
  expect(gone.body.deleted_at).not.toBeNull();
  expect(await as('admin', deletion)).toMatchObject({ status: 404 });
  expect(await api.call({ url: '/v1/accounts/leaving', key })).toMatchObject({ status: 401 });
  expect(await as('read', { url: '/v1/accounts/leaving' })).toMatchObject({ status: 200 });
});

test('accounts are listed page by page, each once', async () => {
  const listed: string[] = [];
  let after: string | null = null;
  do {
    const from: string = after === null ? '' : `&after=${after}`;
    const { body } = await as('read', { url: `/v1/accounts?limit=2${from}` });
    listed.push(...body.accounts.map((one: { account: string }) => one.account));
    after = body.next;
  } while (after !== null);
  expect(listed).toEqual([...new Set(listed)].toSorted());
  expect(listed).toContain('again');
});

test('invoices are listed page by page, each once and oldest first', async () => {
  const { db, world } = api;
  const account = 'paged';
  const at = '2025-10-10T00:00:00Z';
  const body = [
    say('account.created', at, { account, email: 'paged@owner.example' }),
    say('account.upgraded', at, { account }),
  ];
  await as('ingest', { method: 'POST', url: '/v1/events', body });
  await closeDuePeriods(db, world.clock(), { graceSeconds: 0n, onFailure: console.error });
  const starts: string[] = [];
  for (let after = ''; ;) {
    const { body: page } = await as('read', {
      url: `/v1/accounts/${account}/invoices?limit=1${after}`,
    });
    starts.push(...page.invoices.map((one: { period: { start: string } }) => one.period.start));
    if (page.next === null) break;
    after = `&after=${page.next}`;
  }
  expect(starts).toEqual([10, 11, 12, 1].map((month) => startOf(month)));
});

function startOf(month: number): string {
  const year = month > 9 ? 2025 : 2026;
  return `${year}-${String(month).padStart(2, '0')}-10T00:00:00Z`;
}

test('a credit is given once per id, and shows in the balance', async () => {
  await signUp('credit');
  const url = '/v1/accounts/credit/credits';
  const body = { id: 'c-1', amount_cents: 700, reason: 'sorry' };
  const give = async (changed = {}) =>
    await as('billing', { method: 'POST', url, body: { ...body, ...changed } });
  const answers = await Promise.all([give(), give()]);
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 201]);
  expect(await give({ amount_cents: 800 })).toMatchObject({
    status: 409,
    body: { code: 'id_reused' },
  });
  await give({ id: 'c-2', amount_cents: 1 });
  expect(await as('read', { url: '/v1/accounts/credit' })).toMatchObject({
    body: { credit_cents: 701 },
  });
  const first = await as('read', { url: `${url}?limit=1` });
  expect(first.body.entries).toMatchObject([{ amount_cents: 700, reason: 'sorry' }]);
  const second = await as('read', { url: `${url}?limit=1&after=${first.body.next}` });
  expect(second.body).toMatchObject({ entries: [{ amount_cents: 1 }], next: null });
  for (const list of [url, '/v1/accounts/credit/invoices']) {
    expect(await as('read', { url: `${list}?after=forged` })).toMatchObject({
      status: 422,
      body: { code: 'cursor_unknown' },
    });
  }
});

test('money back is refused beyond its limits, with the reason', async () => {
  await signUp('refund');
  const url = '/v1/accounts/refund/refunds';
  const body = { id: 'r-1', amount_cents: 100, reason: 'sorry' };
  expect(await as('billing', { method: 'POST', url, body })).toMatchObject({
    status: 409,
    body: { code: 'never_upgraded' },
  });
});
