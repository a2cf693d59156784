import Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import type { LocalStripe } from '../../../src/stripe/local/local-stripe.ts';
import {
  customerWithCard,
  eventually,
  finalized,
  receiver,
  refusalOf,
  sdk,
  start,
  wire,
} from './support.ts';

const CUSTOMERS = '/v1/customers';
const make = (local: LocalStripe, key = 'k') =>
  wire(local, 'POST', CUSTOMERS, 'name=x', { 'idempotency-key': key });
const customers = (local: LocalStripe) => local.state()['customer'] ?? [];

describe('a call that is lost', () => {
  it('before it ran has done nothing: the same key runs it', async () => {
    const local = await start();
    local.faults.add({ kind: 'drop_before', path: CUSTOMERS });
    await expect(make(local)).rejects.toThrow();
    expect(customers(local)).toHaveLength(0);
    const again = await make(local);
    expect(again.headers.get('idempotent-replayed')).toBeNull();
    expect(customers(local)).toHaveLength(1);
  });

  it('after it ran has done its work: the same key gets the lost answer', async () => {
    const local = await start();
    local.faults.add({ kind: 'drop_after', path: CUSTOMERS });
    await expect(make(local)).rejects.toThrow();
    expect(customers(local)).toHaveLength(1);
    const again = await make(local);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(again.json.id).toBe(customers(local)[0]?.['id']);
    expect(customers(local)).toHaveLength(1);
  });

  it('with half its body is a connection error to the SDK, and has run', async () => {
    const local = await start();
    local.faults.add({ kind: 'cut_body', method: 'POST', path: CUSTOMERS });
    const refusal = await refusalOf(sdk(local).customers.create({}, { idempotencyKey: 'k' }));
    expect(refusal).toBeInstanceOf(Stripe.errors.StripeConnectionError);
    expect(customers(local)).toHaveLength(1);
  });

  it('and is repeated by the SDK itself runs once', async () => {
    const local = await start();
    local.faults.add({ kind: 'drop_after', path: CUSTOMERS });
    const customer = await sdk(local, { maxNetworkRetries: 1 }).customers.create({ name: 'x' });
    expect(customers(local).map(({ id }) => id)).toEqual([customer.id]);
    expect(
      local
        .calls({ method: 'POST' })
        .map(({ status, hasRun, isReplay, fault }) => [status, hasRun, isReplay, fault]),
    ).toEqual([
      [null, true, false, 'drop_after'],
      [200, false, true, null],
    ]);
  });
});

describe('a call that hangs', () => {
  it.each([
    ['hang_before', 0],
    ['hang_after', 1],
  ] as const)('(%s) never answers; by then it has run %i times', async (kind, times) => {
    const local = await start();
    local.faults.add({ kind, path: CUSTOMERS });
    const refusal = await refusalOf(
      sdk(local, { timeout: 150 }).customers.create({}, { idempotencyKey: 'k' }),
    );
    // The call may arrive only after the caller has given up on it.
    await eventually(() => customers(local).length === times);
    expect(refusal).toBeInstanceOf(Stripe.errors.StripeConnectionError);
  });

  it('sends its webhooks all the same', async () => {
    const inbox = await receiver();
    const local = await start({ webhooks: { url: inbox.url, secret: 'whsec_x' } });
    local.faults.add({ kind: 'hang_after', path: CUSTOMERS });
    const hanging = make(local).catch(() => 'lost');
    await eventually(() => inbox.received.length === 1);
    local.faults.release();
    expect(await hanging).toBe('lost');
  });

  it('does not keep the server from closing', async () => {
    const local = await start();
    local.faults.add({ kind: 'hang_before', path: CUSTOMERS });
    const hanging = make(local).catch(() => 'lost');
    await eventually(() => local.faults.list().length === 1);
    await local.close();
    expect(await hanging).toBe('lost');
  });
});

describe('a 500', () => {
  it('before execution is not saved: the next call runs', async () => {
    const local = await start();
    local.faults.add({ kind: 'error_500_before', path: CUSTOMERS });
    expect((await make(local)).json.error.type).toBe('api_error');
    expect(customers(local)).toHaveLength(0);
    expect((await make(local)).status).toBe(200);
  });

  it('after execution hides a success that the same key finds', async () => {
    const local = await start();
    local.faults.add({ kind: 'error_500_after', path: CUSTOMERS });
    expect((await make(local)).status).toBe(500);
    expect((await make(local)).headers.get('idempotent-replayed')).toBe('true');
    expect(customers(local)).toHaveLength(1);
  });

  it.each([
    ['error_500_saved', 1],
    ['error_500_saved_without_running', 0],
  ] as const)(
    '(%s) is replayed for a day under its key; the call ran %i times',
    async (kind, times) => {
      const local = await start();
      local.faults.add({ kind, path: CUSTOMERS });
      const first = await make(local);
      const second = await make(local);
      expect([first.status, second.status]).toEqual([500, 500]);
      expect(second.text).toBe(first.text);
      expect(customers(local)).toHaveLength(times);
      await local.advance(24 * 3_600_000);
      expect((await make(local)).status).toBe(200);
      expect(customers(local)).toHaveLength(times + 1);
    },
  );
});

describe('a 429', () => {
  it('is not retried by the SDK unless the header says so', async () => {
    const local = await start();
    const stripe = sdk(local, { maxNetworkRetries: 2 });
    local.faults.add({ kind: 'rate_limited', path: CUSTOMERS });
    expect(await refusalOf(stripe.customers.create({}))).toBeInstanceOf(
      Stripe.errors.StripeRateLimitError,
    );
    expect(local.calls({ method: 'POST' })).toHaveLength(1);
    local.faults.add({ kind: 'rate_limited_should_retry', path: CUSTOMERS });
    await stripe.customers.create({});
    expect(local.calls({ method: 'POST' }).map(({ status }) => status)).toEqual([429, 429, 200]);
  });

  it('lock_timeout has a code of its own, runs nothing and is not saved', async () => {
    const local = await start();
    local.faults.add({ kind: 'lock_timeout', path: CUSTOMERS });
    const answer = await make(local);
    expect(answer.json.error).toMatchObject({
      type: 'invalid_request_error',
      code: 'lock_timeout',
    });
    expect((await make(local)).status).toBe(200);
  });
});

it('a revoked key answers 401 and loses nothing', async () => {
  const local = await start();
  local.faults.add({ kind: 'key_revoked', times: 2 });
  expect([
    (await make(local)).status,
    (await make(local)).status,
    (await make(local)).status,
  ]).toEqual([401, 401, 200]);
});

describe('a rule', () => {
  it('strikes one method and path only, at the n-th call, so many times', async () => {
    const local = await start();
    const stripe = sdk(local);
    const { customer } = await customerWithCard(stripe);
    const [one, two] = [
      await finalized(stripe, customer, [100]),
      await finalized(stripe, customer, [200]),
    ];
    local.faults.add({
      kind: 'error_500_before',
      method: 'POST',
      path: '/v1/invoices/*/pay',
      nth: 2,
      times: 2,
    });
    const pay = async (id: string) =>
      (await wire(local, 'POST', `/v1/invoices/${id}/pay`, '')).status;
    expect((await stripe.invoices.retrieve(one.id)).status).toBe('open');
    expect([await pay(one.id), await pay(two.id), await pay(two.id), await pay(two.id)]).toEqual([
      200, 500, 500, 200,
    ]);
  });

  it('can strike a share of the calls, always the same ones', async () => {
    const run = async () => {
      const local = await start();
      local.faults.add({ kind: 'rate_limited', path: CUSTOMERS, share: 0.3, times: 1000 });
      const statuses: number[] = [];
      for (let call = 0; call < 50; call++)
        statuses.push((await wire(local, 'POST', CUSTOMERS, '')).status);
      return statuses;
    };
    const [first, second] = [await run(), await run()];
    expect(first).toEqual(second);
    expect(first.filter((status) => status === 429).length).toBe(15);
  });
});
