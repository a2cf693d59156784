import { afterAll, beforeAll, expect, test } from 'vitest';
import { SCOPES } from '../../../src/accounts/api-key.ts';
import { issueOperatorKey } from '../../../src/accounts/api-key-store.ts';
import { closeDuePeriods } from '../../../src/invoicing/close-periods.ts';
import { answered, openClient } from '../client/client.ts';
import { openApi, type Api } from '../support/api.ts';

let api: Api;
let client: ReturnType<typeof openClient>;
beforeAll(async () => {
  api = await openApi();
  const host = await api.server.listen({ host: '127.0.0.1', port: 0 });
  const scopes = [...SCOPES];
  const { secret } = await issueOperatorKey(api.db, api.world.clock(), { scopes, label: 'client' });
  client = openClient(host, secret);
});
afterAll(async () => await api.close());

const account = 'acme';
const path = { account };
const DAYS = 24;
/** Of the period from 10 February to 10 March 2026. */
const PERIOD_SECONDS = 28 * 86_400;
let ids = 0;

function report<const T extends string, const D extends object>(type: T, data: D) {
  return {
    specversion: '1.0' as const,
    id: `e-${++ids}`,
    source: 'controller',
    type,
    time: api.world.clock().toISOString(),
    data: { account, ...data },
  };
}

/** $0.00001866786 a second, half up to whole cents. */
const appCents = (seconds: number): number => Math.round(seconds * 0.001866786);

test('an account is signed up, gets a card and is upgraded', async () => {
  const body = { account, email: 'owner@acme.example' };
  expect(await answered(client.POST('/v1/accounts', { body }))).toMatchObject({ tier: 'FREE' });
  await answered(client.POST('/v1/accounts/{account}/confirm', { params: { path } }));
  const early = await client.POST('/v1/accounts/{account}/upgrade', { params: { path } });
  expect(early.response.status).toBe(409);
  expect(early.error).toMatchObject({ code: 'no_payment_method', status: 409 });
  const card = client.PUT('/v1/accounts/{account}/payment-method', {
    params: { path },
    body: { token: 'tok_visa' },
  });
  expect(await answered(card)).toMatchObject({ last4: '4242' });
  const upgraded = client.POST('/v1/accounts/{account}/upgrade', { params: { path } });
  expect(await answered(upgraded)).toMatchObject({ tier: 'STANDARD' });
});

test('what a free account may not run is said beforehand, with what it would cost', async () => {
  const free = { account: 'free' };
  const body = { account: 'free', email: 'owner@free.example' };
  await answered(client.POST('/v1/accounts', { body }));
  const change = { change: 'scale_app', app: 'web', replicas: 3, size: 0.5 } as const;
  const check = client.POST('/v1/accounts/{account}/check', {
    params: { path: free },
    body: change,
  });
  const { allowed, reasons } = await answered(check);
  expect(allowed).toBe(false);
  expect(reasons.map(({ code }) => code)).toEqual(['free_app_size', 'free_instances']);
  const quote = await answered(
    client.POST('/v1/accounts/{account}/quote', {
      params: { path: free, query: { tier: 'STANDARD' } },
      body: change,
    }),
  );
  expect(quote).toMatchObject({
    allowed: false,
    tier: 'STANDARD',
    present: { full_period_cents: 0 },
    proposed: { full_period_cents: appCents(1.5 * PERIOD_SECONDS) },
  });
});

test('half a period is reported, seen, checked, quoted and forecast', async () => {
  const { world } = api;
  const events = [
    report('app.deployed', { app: 'web', replicas: 1, size: 0.5 }),
    report('database.available', { app: 'web', database: 'db1', size: 0.6 }),
  ];
  const sent = await answered(client.POST('/v1/events', { body: events }));
  expect(sent).toMatchObject({ recorded: 2, refused: 0 });
  await world.pass({ hours: 14 * DAYS });
  const usage = await answered(client.GET('/v1/accounts/{account}/usage', { params: { path } }));
  const half = appCents(0.25 * PERIOD_SECONDS);
  expect(usage).toMatchObject({
    apps: [{ app: 'web', replica_size_seconds: '604800', amount_cents: half }],
    databases: [{ database: 'db1', size: 0.6, seconds: '1209600', amount_cents: 1250 }],
    total_cents: half + 1250,
  });
  const whole = appCents(0.5 * PERIOD_SECONDS) + 2500;
  for (const url of [
    '/v1/accounts/{account}/run-rate',
    '/v1/accounts/{account}/forecast',
  ] as const) {
    expect(await answered(client.GET(url, { params: { path } }))).toMatchObject({
      total_cents: whole,
    });
  }
  const body = { change: 'scale_app', app: 'web', replicas: 3 } as const;
  const check = client.POST('/v1/accounts/{account}/check', { params: { path }, body });
  expect(await answered(check)).toMatchObject({ allowed: true, change: { size: 0.5 } });
  const quote = client.POST('/v1/accounts/{account}/quote', { params: { path }, body });
  const perHour = 1.5 * 3600 * 0.00001866786 + 25 / (28 * 24);
  expect(await answered(quote)).toMatchObject({
    allowed: true,
    present: { full_period_cents: whole },
    proposed: {
      usd_per_hour: perHour.toFixed(8),
      rest_of_period_cents: appCents(0.75 * PERIOD_SECONDS) + 1250,
      full_period_cents: appCents(1.5 * PERIOD_SECONDS) + 2500,
    },
  });
  const scaled = report('app.scaled', { app: 'web', replicas: 3, size: 0.5 });
  expect(await answered(client.POST('/v1/events', { body: scaled }))).toMatchObject({
    recorded: 1,
  });
});

test('a window that ends before it begins is refused, also when only its end is told', async () => {
  for (const query of [
    { to: '2026-02-01T00:00:00Z' },
    { from: '2026-02-11T00:00:00Z', to: '2026-02-10T23:59:59Z' },
  ]) {
    const usage = await client.GET('/v1/accounts/{account}/usage', { params: { path, query } });
    expect(usage.response.status).toBe(422);
    expect(usage.error).toMatchObject({
      code: 'window_reversed',
      detail: expect.stringContaining(query.to),
    });
  }
});

test('the invoice is the one that was previewed, and its lines add up from their segments', async () => {
  const { world, db } = api;
  await world.pass({ hours: 14 * DAYS, seconds: 600 });
  const { invoices: previewed } = await answered(
    client.GET('/v1/accounts/{account}/preview', { params: { path } }),
  );
  expect(previewed).toHaveLength(2);
  await closeDuePeriods(db, world.clock(), { graceSeconds: 0n, onFailure: console.error });
  const { invoices, next } = await answered(
    client.GET('/v1/accounts/{account}/invoices', { params: { path } }),
  );
  expect(next).toBeNull();
  const [head] = invoices;
  expect(head).toMatchObject({
    total_cents: appCents(PERIOD_SECONDS) + 2500,
    period: { start: '2026-02-10T01:00:00Z', end: '2026-03-10T01:00:00Z' },
  });
  const named = { account, invoice: head!.invoice_id };
  const invoice = await answered(
    client.GET('/v1/accounts/{account}/invoices/{invoice}', { params: { path: named } }),
  );
  expect(previewed[0]).toEqual({
    invoice_id: invoice.invoice_id,
    tier: 'STANDARD',
    period: invoice.period,
    lines: invoice.lines,
    total_cents: invoice.total_cents,
    unconfirmed: [],
  });
  for (const { line, amount_cents, replica_size_seconds: rss, seconds } of invoice.lines) {
    const { segments, rest } = await answered(
      client.GET('/v1/accounts/{account}/invoices/{invoice}/lines/{line}/segments', {
        params: { path: { ...named, line } },
      }),
    );
    expect(rest).toBeNull();
    const sum = (amounts: readonly number[]): number => amounts.reduce((a, b) => a + b, 0);
    expect(sum(segments.map((one) => one.amount_cents))).toBe(amount_cents);
    const units = segments.map((one) => Number(one.replica_size_seconds ?? one.seconds));
    expect(sum(units)).toBe(Number(rss ?? seconds));
  }
});

test('an event says which invoice counted it', async () => {
  const traced = client.GET('/v1/events/{source}/{id}', {
    params: { path: { source: 'controller', id: 'e-1' }, query: { account } },
  });
  expect(await answered(traced)).toMatchObject({
    status: 'recorded',
    billing: 'invoiced',
    invoice_id: expect.stringMatching(/^inv_/),
  });
});

test('credit is given, and the next invoice would use it', async () => {
  const body = { id: 'sorry-1', amount_cents: 1000, reason: 'an outage' };
  await answered(client.POST('/v1/accounts/{account}/credits', { params: { path }, body }));
  await api.world.pass({ hours: DAYS });
  const { invoices } = await answered(
    client.GET('/v1/accounts/{account}/preview', { params: { path } }),
  );
  expect(invoices.at(-1)!.lines.map(({ kind }) => kind)).toContain('credit');
});
