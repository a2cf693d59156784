import { describe, expect, it } from 'vitest';
import { customerWithCard, eventually, finalized, refusalOf, sdk, start, wire } from './support.ts';

const HOUR_MS = 3_600_000;
const keyed = (key: string) => ({ 'idempotency-key': key });

describe('idempotency keys', () => {
  it('replay status and body byte for byte and run nothing again', async () => {
    const local = await start();
    const first = await wire(local, 'POST', '/v1/customers', 'name=Acme', keyed('k'));
    await local.advance(5000);
    const second = await wire(local, 'POST', '/v1/customers', 'name=Acme', keyed('k'));
    expect(second.text).toBe(first.text);
    expect(second.headers.get('idempotent-replayed')).toBe('true');
    expect(local.state()['customer']).toHaveLength(1);
  });

  it('replay a decline, although the card would pay by now', async () => {
    const local = await start();
    const stripe = sdk(local);
    const { customer, card } = await customerWithCard(stripe, 'tok_chargeCustomerFail');
    const invoice = await finalized(stripe, customer, [2500]);
    const first = await wire(local, 'POST', `/v1/invoices/${invoice.id}/pay`, '', keyed('pay'));
    local.setCharges(card, 'succeed');
    const second = await wire(local, 'POST', `/v1/invoices/${invoice.id}/pay`, '', keyed('pay'));
    expect(first.status).toBe(402);
    expect(second.text).toBe(first.text);
    expect(local.state()['charge']).toHaveLength(1);
  });

  it('replay a refusal of the endpoint itself', async () => {
    const local = await start();
    const stripe = sdk(local);
    const { customer } = await customerWithCard(stripe);
    const invoice = await finalized(stripe, customer, [2500]);
    const body = `invoice=${invoice.id}&amount=9999`;
    const first = await wire(local, 'POST', '/v1/credit_notes', body, keyed('k'));
    const second = await wire(local, 'POST', '/v1/credit_notes', body, keyed('k'));
    expect(first.status).toBe(400);
    expect(second.headers.get('idempotent-replayed')).toBe('true');
    expect(second.text).toBe(first.text);
  });

  it('do not remember parameters that failed validation, nor a missing key of the account', async () => {
    const local = await start();
    expect((await wire(local, 'POST', '/v1/customers', 'nmae=x', keyed('k'))).status).toBe(400);
    expect(
      (await wire(local, 'POST', '/v1/customers', 'name=x', { ...keyed('k'), authorization: '' }))
        .status,
    ).toBe(401);
    const third = await wire(local, 'POST', '/v1/customers', 'name=x', keyed('k'));
    expect(third.status).toBe(200);
    expect(third.headers.get('idempotent-replayed')).toBeNull();
  });

  it('refuse other parameters with 400 idempotency_error', async () => {
    const stripe = sdk(await start());
    await stripe.customers.create({ name: 'a' }, { idempotencyKey: 'k' });
    const refusal = await refusalOf(
      stripe.customers.create({ name: 'b' }, { idempotencyKey: 'k' }),
    );
    expect(refusal.type).toBe('StripeIdempotencyError');
    expect(refusal.message).toBe(
      "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than 'k' if you meant to execute a different request.",
    );
  });

  it('accept the same parameters in another order', async () => {
    const local = await start();
    await wire(local, 'POST', '/v1/customers', 'name=a&email=b', keyed('k'));
    expect((await wire(local, 'POST', '/v1/customers', 'email=b&name=a', keyed('k'))).status).toBe(
      200,
    );
  });

  it('refuse another endpoint with 400 idempotency_error', async () => {
    const local = await start();
    await wire(local, 'POST', '/v1/customers', '', keyed('k'));
    const answer = await wire(local, 'POST', '/v1/products', 'name=x', keyed('k'));
    expect(answer.status).toBe(400);
    expect(answer.json.error.type).toBe('idempotency_error');
    expect(answer.json.error.message).toContain("('/v1/customers' vs '/v1/products')");
  });

  it('answer 409 while the first call is still running, and replay it afterwards', async () => {
    const local = await start();
    local.faults.add({ kind: 'slow', path: '/v1/customers' });
    const first = wire(local, 'POST', '/v1/customers', 'name=x', keyed('k'));
    const second = await until409(() => wire(local, 'POST', '/v1/customers', 'name=x', keyed('k')));
    expect(second.json.error).toMatchObject({
      type: 'invalid_request_error',
      code: 'idempotency_key_in_use',
    });
    const third = await wire(local, 'POST', '/v1/customers', 'name=x', keyed('k'));
    expect(third.status).toBe(409);
    local.faults.release();
    const answered = await first;
    const replay = await wire(local, 'POST', '/v1/customers', 'name=x', keyed('k'));
    expect(replay.text).toBe(answered.text);
    expect(local.state()['customer']).toHaveLength(1);
  });

  it('are forgotten after 24 hours: then the same call runs again', async () => {
    const local = await start();
    const post = () => wire(local, 'POST', '/v1/customers', 'name=x', keyed('k'));
    const first = await post();
    await local.advance(24 * HOUR_MS - 1000);
    expect((await post()).json.id).toBe(first.json.id);
    await local.advance(1000);
    expect((await post()).json.id).not.toBe(first.json.id);
  });

  it('are no longer than 255 characters', async () => {
    const local = await start();
    expect((await wire(local, 'POST', '/v1/customers', '', keyed('k'.repeat(255)))).status).toBe(
      200,
    );
    expect((await wire(local, 'POST', '/v1/customers', '', keyed('k'.repeat(256)))).status).toBe(
      400,
    );
  });

  it('mean nothing to GET and DELETE', async () => {
    const local = await start();
    const stripe = sdk(local);
    const customer = await stripe.customers.create({});
    const invoice = await stripe.invoices.create({ customer: customer.id });
    await wire(local, 'GET', `/v1/customers/${customer.id}`, undefined, keyed('k'));
    expect(
      (await wire(local, 'DELETE', `/v1/invoices/${invoice.id}`, undefined, keyed('k'))).status,
    ).toBe(200);
    expect(
      (await wire(local, 'DELETE', `/v1/invoices/${invoice.id}`, undefined, keyed('k'))).status,
    ).toBe(404);
  });

  it('stand in every event of the call that caused it', async () => {
    const stripe = sdk(await start());
    await stripe.customers.create({}, { idempotencyKey: 'gm1:customer:acme:g1' });
    const [event] = (await stripe.events.list({ type: 'customer.created' })).data;
    expect(event?.request?.idempotency_key).toBe('gm1:customer:acme:g1');
  });
});

/** The first call must have arrived before a second one can meet it. */
async function until409(attempt: () => ReturnType<typeof wire>): ReturnType<typeof wire> {
  let answer = await attempt();
  let isDone = answer.status === 409;
  await eventually(() => {
    if (!isDone) void attempt().then((next) => ((answer = next), (isDone = next.status === 409)));
    return isDone;
  });
  return answer;
}
