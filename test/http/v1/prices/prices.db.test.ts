import { afterAll, beforeAll, expect, test } from 'vitest';
import { closeDuePeriods } from '../../../../src/invoicing/close-periods.ts';
import { DOCUMENTED_PRICES } from '../../../../src/pricing/price-book.ts';
import { reporter } from '../../../support/reports.ts';
import { openApi, type Api, type Call } from '../../support/api.ts';

let api: Api;
const say = reporter();

/** The clock stands at 2026-02-10 01:00; acme runs one database and 1 × 1.0 since 2026-02-01. */
beforeAll(async () => {
  api = await openApi();
  const start = '2026-02-01T00:00:00Z';
  const account = 'acme';
  const events = [
    say('account.created', '2026-01-01T00:00:00Z', { account, email: 'owner@acme.example' }),
    say('account.upgraded', '2026-01-01T00:00:00Z', { account }),
    say('app.deployed', start, { account, app: 'web', replicas: 1, size: 1 }),
    say('database.available', start, { account, app: 'web', database: 'db', size: 4 }),
  ];
  await as('ingest', { method: 'POST', url: '/v1/events', body: events });
  await closeDuePeriods(api.db, new Date(start), { graceSeconds: 0n, onFailure: console.error });
});
afterAll(async () => await api.close());

async function as(scope: keyof Api['keys'], request: Call) {
  return await api.call({ ...request, key: api.keys[scope] });
}

const post = async (url: string, body: unknown) => await as('admin', { method: 'POST', url, body });

/** 28 days of 1 × 1.0 at the documented price, and of a database of size 4. */
const LISTED = { app: 4_516, database: 40_000 };
const costs = async (what: string) => {
  const { body } = await as('read', { url: `/v1/accounts/acme/${what}` });
  return { app: body.lines[0].amount_cents, database: body.lines[1].amount_cents };
};

test('prices of an account are set once, shown with their reason, and used at once', async () => {
  const deal = {
    id: 'deal',
    from: '2026-02-01T00:00:00Z',
    prices: { replica_size_second_usd: '0.00001', database_month_usd: { '4': '200' } },
    reason: 'annual contract',
  };
  expect(await costs('run-rate')).toEqual(LISTED);
  const set = await post('/v1/accounts/acme/prices', deal);
  expect(set).toMatchObject({ status: 201, body: { ...deal, to: null, ended: null } });
  expect(await post('/v1/accounts/acme/prices', deal)).toEqual({
    ...set,
    status: 200,
    headers: expect.anything(),
  });
  const shown = await api.call({
    url: '/v1/accounts/acme/prices',
    key: await api.accountKey('acme'),
  });
  expect(shown).toMatchObject({ status: 200, body: { prices: [set.body] } });
  const own = { app: 2_419, database: 20_000 };
  expect(await costs('run-rate')).toEqual(own);
  expect(await costs('forecast')).toEqual(own);
});

test('an end cuts the period in two, and a quote knows it ahead', async () => {
  const at = '2026-02-15T00:00:00Z';
  const ended = await post('/v1/accounts/acme/prices/deal/end', { at, reason: 'moved out' });
  expect(ended).toMatchObject({ status: 200, body: { to: at, ended: { reason: 'moved out' } } });
  // Half of 28 days at either price.
  expect(await costs('forecast')).toEqual({ app: 3_468, database: 30_000 });
  const quote = await as('read', {
    method: 'POST',
    url: '/v1/accounts/acme/quote',
    body: { change: 'scale_app', app: 'web', replicas: 0, size: 1 },
  });
  // From 10 February 01:00: 428,400 s at $200, then 1,209,600 s at $400, of 2,419,200 s a month.
  expect(quote.body.proposed).toMatchObject({
    rest_of_period_cents: 3_542 + 20_000,
    full_period_cents: 20_000,
  });
});

test.each<[string, object, number, string]>([
  ['in a closed period', { from: '2026-01-31T23:59:59Z' }, 422, 'price_backdated'],
  ['where others hold', { from: '2026-02-14T23:59:59Z' }, 409, 'price_overlaps'],
  ['that end at once', { to: '2026-03-01T00:00:00Z' }, 422, 'price_range_empty'],
  ['without any', { prices: {} }, 422, 'invalid_request'],
  [
    'of a size that does not exist',
    { prices: { database_month_usd: { '5': '1' } } },
    422,
    'invalid_request',
  ],
  ['without reason', { reason: '' }, 422, 'invalid_request'],
])('prices %s are refused', async (_what, wrong, status, code) => {
  const right = {
    id: 'other',
    from: '2026-03-01T00:00:00Z',
    prices: { replica_size_second_usd: '0.1' },
    reason: 'test',
  };
  const refused = await post('/v1/accounts/acme/prices', { ...right, ...wrong });
  expect(refused).toMatchObject({ status, body: { code } });
});

test('a new book is added once, listed, and can be withdrawn until it is in force', async () => {
  const book = { id: '2027', effective_at: '2027-01-01T00:00:00Z', ...DOCUMENTED_PRICES };
  const added = await post('/v1/price-books', book);
  expect(added).toMatchObject({ status: 201, body: { ...book, is_effective: false } });
  expect(await post('/v1/price-books', book)).toMatchObject({ status: 200, body: added.body });
  const { body } = await as('admin', { url: '/v1/price-books' });
  expect(body.price_books).toMatchObject([
    { id: 'gigalixir-0.15.0', is_effective: true, added_by: null },
    { id: '2027', is_effective: false },
  ]);
  const earlier = { ...book, id: '2026b', effective_at: '2026-12-01T00:00:00Z' };
  expect(await post('/v1/price-books', earlier)).toMatchObject({
    status: 409,
    body: { code: 'price_book_not_last' },
  });
  const past = { ...book, id: 'past', effective_at: '2026-02-10T01:00:00Z' };
  expect(await post('/v1/price-books', past)).toMatchObject({
    status: 422,
    body: { code: 'price_book_backdated' },
  });
  const withdraw = { method: 'DELETE', url: '/v1/price-books/2027' } as const;
  expect(await as('admin', withdraw)).toMatchObject({ status: 200 });
  expect(await as('admin', withdraw)).toMatchObject({ status: 200 });
  expect(await post('/v1/price-books', earlier)).toMatchObject({ status: 201 });
  const first = { method: 'DELETE', url: '/v1/price-books/gigalixir-0.15.0' } as const;
  expect(await as('admin', first)).toMatchObject({
    status: 409,
    body: { code: 'price_book_in_force' },
  });
});
