import { describe, expect, it } from 'vitest';
import { startLocalStripe } from '../../../src/stripe/local/local-stripe.ts';
import { API_VERSION, sdk, start, STARTED_AT, wire } from './support.ts';

describe('who may call', () => {
  it('refuses to start in production and says what to set', async () => {
    const starting = startLocalStripe({ clock: () => STARTED_AT, environment: 'production' });
    await expect(starting).rejects.toThrow('STRIPE_API_KEY');
  });

  it.each([
    ['no key', ''],
    ['a live key', 'Bearer sk_live_x'],
    ['a live restricted key', 'Bearer rk_live_x'],
    ['another scheme', 'Digest sk_test_x'],
  ])('answers 401 invalid_request_error to %s', async (_name, authorization) => {
    const answer = await wire(await start(), 'GET', '/v1/balance', undefined, { authorization });
    expect(answer.status).toBe(401);
    expect(answer.json.error.type).toBe('invalid_request_error');
  });

  it.each([
    ['a secret test key', 'Bearer sk_test_x'],
    ['a restricted test key', 'Bearer rk_test_x'],
    ['Basic with the key as user', `Basic ${Buffer.from('sk_test_x:').toString('base64')}`],
  ])('accepts %s', async (_name, authorization) => {
    const answer = await wire(await start(), 'GET', '/v1/balance', undefined, { authorization });
    expect(answer.status).toBe(200);
  });
});

describe('the wire format', () => {
  it('answers with a request id and echoes version and idempotency key', async () => {
    const answer = await wire(await start(), 'POST', '/v1/customers', 'name=Acme', {
      'stripe-version': API_VERSION,
      'idempotency-key': 'k-1',
    });
    expect(answer.headers.get('request-id')).toMatch(/^req_/);
    expect(answer.headers.get('stripe-version')).toBe(API_VERSION);
    expect(answer.headers.get('idempotency-key')).toBe('k-1');
    expect(answer.headers.get('idempotent-replayed')).toBeNull();
  });

  it('refuses an API version it does not speak', async () => {
    const answer = await wire(await start(), 'GET', '/v1/customers', undefined, {
      'stripe-version': '2030-01-01.zinnia',
    });
    expect(answer.status).toBe(400);
    expect(answer.json.error.message).toContain('2030-01-01.zinnia');
  });

  it('reads nested brackets, numbered and empty ones, and long lists', async () => {
    const local = await start();
    const { json: customer } = await wire(
      local,
      'POST',
      '/v1/customers',
      'metadata[gm_account]=acme&address[city]=Bern',
    );
    expect(customer.metadata).toEqual({ gm_account: 'acme' });
    expect(customer.address.city).toBe('Bern');
    const { json: invoice } = await wire(local, 'POST', '/v1/invoices', `customer=${customer.id}`);
    const lines = Array.from(
      { length: 60 },
      (_, i) =>
        `lines[${i}][amount]=${i + 1}&lines[${i}][period][start]=5&lines[${i}][period][end]=6`,
    );
    const added = await wire(
      local,
      'POST',
      `/v1/invoices/${invoice.id}/add_lines`,
      `${lines.join('&')}&expand[]=customer`,
    );
    expect(added.json.total).toBe((60 * 61) / 2);
    expect(added.json.lines.data[0]?.period).toEqual({ start: 5, end: 6 });
    expect(added.json.customer.id).toBe(customer.id);
  });

  it('takes an empty string as unset', async () => {
    const local = await start();
    const { json: made } = await wire(
      local,
      'POST',
      '/v1/customers',
      'description=x&metadata[a]=1&metadata[b]=2&address[city]=Bern',
    );
    const { json: one } = await wire(
      local,
      'POST',
      `/v1/customers/${made.id}`,
      'description=&metadata[a]=&address=',
    );
    expect(one).toMatchObject({ description: null, metadata: { b: '2' }, address: null });
    const { json: none } = await wire(local, 'POST', `/v1/customers/${made.id}`, 'metadata=');
    expect(none.metadata).toEqual({});
  });

  it.each([
    ['an unknown parameter', '/v1/customers', 'nmae=x', 'parameter_unknown', 'nmae'],
    [
      'an unknown parameter deep inside',
      '/v1/invoiceitems',
      'customer=cus_1&period[strat]=1',
      'parameter_missing',
      'period[end]',
    ],
    ['a missing parameter', '/v1/credit_notes', 'amount=1', 'parameter_missing', 'invoice'],
    [
      'a bad integer',
      '/v1/credit_notes',
      'invoice=in_1&amount=1.5',
      'parameter_invalid_integer',
      'amount',
    ],
    [
      'a bad integer deep inside',
      '/v1/invoiceitems',
      'customer=cus_1&period[start]=soon&period[end]=2',
      'parameter_invalid_integer',
      'period[start]',
    ],
    ['a value outside its list', '/v1/refunds', 'charge=ch_1&reason=whim', undefined, 'reason'],
    [
      'a text that is too long',
      '/v1/invoices',
      'customer=cus_1&statement_descriptor=ABCDEFGHIJKLMNOPQRSTUVW',
      undefined,
      'statement_descriptor',
    ],
    [
      'a parameter it knows but does not imitate',
      '/v1/invoices',
      'customer=cus_1&on_behalf_of=acct_1',
      undefined,
      'on_behalf_of',
    ],
    [
      'a metadata key that is too long',
      '/v1/customers',
      `metadata[${'k'.repeat(41)}]=1`,
      undefined,
      'metadata',
    ],
    [
      'a metadata value that is too long',
      '/v1/customers',
      `metadata[k]=${'v'.repeat(501)}`,
      undefined,
      'metadata[k]',
    ],
    [
      'an unknown id in a parameter',
      '/v1/invoices',
      'customer=cus_nobody',
      'resource_missing',
      'customer',
    ],
  ])('answers 400 to %s, naming it', async (_name, path, body, code, param) => {
    const answer = await wire(await start(), 'POST', path, body);
    expect(answer.status).toBe(400);
    expect(answer.json.error).toMatchObject({ type: 'invalid_request_error', param });
    expect(answer.json.error.code).toBe(code);
  });

  it('refuses more than 50 metadata keys', async () => {
    const body = Array.from({ length: 51 }, (_, i) => `metadata[k${i}]=1`).join('&');
    const answer = await wire(await start(), 'POST', '/v1/customers', body);
    expect(answer.status).toBe(400);
  });

  it.each([
    ['/v1/invoices/in_no', 'invoice', "No such invoice: 'in_no'"],
    ['/v1/customers/cus_no', 'id', "No such customer: 'cus_no'"],
    ['/v1/payment_intents/pi_no', 'intent', "No such payment intent: 'pi_no'"],
  ])('answers 404 resource_missing for %s', async (path, param, message) => {
    const answer = await wire(await start(), 'GET', path);
    expect(answer.status).toBe(404);
    expect(answer.json.error).toMatchObject({
      type: 'invalid_request_error',
      code: 'resource_missing',
      param,
      message,
    });
  });

  it.each([
    ['GET', '/v1/nowhere'],
    ['GET', '/elsewhere'],
    ['POST', '/v1/customers/cus_1/attach'],
  ])('answers %s %s, which is no endpoint, with an error object as well', async (method, path) => {
    const answer = await wire(await start(), method, path, method === 'POST' ? 'a=b' : undefined);
    expect(answer.status).toBe(404);
    expect(answer.json.error.type).toBe('invalid_request_error');
  });

  it('answers bodies that are too large with an error object', async () => {
    const answer = await wire(
      await start(),
      'POST',
      '/v1/customers',
      `name=${'x'.repeat(2 * 1024 * 1024)}`,
    );
    expect(answer.status).toBe(400);
    expect(answer.json.error.type).toBe('invalid_request_error');
  });

  it('gives every object an id with its prefix, and no two instances the same', async () => {
    const [one, two] = [sdk(await start()), sdk(await start())];
    const [a, b] = await Promise.all([one.customers.create({}), two.customers.create({})]);
    expect(a.id).toMatch(/^cus_[A-Za-z0-9]{10,}$/);
    expect(a.id).not.toBe(b.id);
  });
});

describe('rate limits', () => {
  it('answers 429 over the limit of an endpoint, before the idempotency layer, until the next second', async () => {
    const local = await start({ rateLimits: { perEndpointPerSecond: 2 } });
    const post = () =>
      wire(local, 'POST', '/v1/customers', 'name=x', { 'idempotency-key': 'same' });
    const statuses = [(await post()).status, (await post()).status, (await post()).status];
    expect(statuses).toEqual([200, 200, 429]);
    expect((await post()).headers.get('stripe-rate-limited-reason')).toBe('endpoint-rate');
    expect((await wire(local, 'GET', '/v1/customers')).json.data).toHaveLength(1);
    await local.advance(1000);
    expect((await post()).headers.get('idempotent-replayed')).toBe('true');
  });

  it('answers 429 over the total of all endpoints', async () => {
    const local = await start({ rateLimits: { perSecond: 1 } });
    await wire(local, 'GET', '/v1/customers');
    const answer = await wire(local, 'GET', '/v1/charges');
    expect(answer.status).toBe(429);
    expect(answer.json.error.code).toBe('rate_limit');
    expect(answer.headers.get('stripe-should-retry')).toBeNull();
    expect(answer.headers.get('stripe-rate-limited-reason')).toBe('global-rate');
  });
});
