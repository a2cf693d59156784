import { afterAll, beforeAll, expect, test } from 'vitest';
import { findUnresolvedDrift } from '../../src/stripe/drift.ts';
import { processStripeEvents } from '../../src/stripe/news/process-stripe-events.ts';
import { receiveWebhook } from '../../src/stripe/news/receive-webhook.ts';
import { receive, sign } from './support/signed.ts';
import { openWorld, WEBHOOK_SECRET, type World } from './support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(async () => await world.close());

function eventBody(change: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    id: 'evt_made',
    object: 'event',
    api_version: '2026-10-28.endive',
    created: Math.floor(world.clock().getTime() / 1000),
    livemode: false,
    type: 'product.created',
    data: { object: { id: 'prod_1', object: 'product' } },
    ...change,
  });
}

async function countEvents(): Promise<number> {
  const row = await world.db
    .selectFrom('stripe_event')
    .select((all) => all.fn.countAll<bigint>().as('count'))
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

test('W04 forged, unsigned and re-serialized bodies are refused, and nothing is written', async () => {
  const before = await countEvents();
  const body = eventBody();
  const attempts: readonly (readonly [string, string | undefined])[] = [
    [body, undefined],
    [body, ''],
    [body, 'nonsense'],
    [body, 't=,v1='],
    [body, sign(world, body, { secret: 'whsec_other' })],
    [body, sign(world, body).replace('v1=', 'v0=')],
    [`${body} `, sign(world, body)],
    [JSON.stringify(JSON.parse(body), null, 2), sign(world, body)],
  ];
  for (const [sent, header] of attempts) {
    const unsigned = receiveWebhook(world.webhooks, Buffer.from(sent), header);
    await expect(unsigned, header).rejects.toMatchObject({
      kind: 'invalid',
      code: 'webhook_not_signed',
    });
  }
  expect(await countEvents()).toBe(before);
});

test('W04 while secrets are rotated, both are accepted', async () => {
  const context = { ...world.webhooks, secrets: ['whsec_new', WEBHOOK_SECRET] };
  for (const [id, secret] of [
    ['evt_old', WEBHOOK_SECRET],
    ['evt_new', 'whsec_new'],
  ] as const) {
    const body = eventBody({ id });
    expect(await receive(world, body, sign(world, body, { secret }), context)).toMatchObject({
      isNew: true,
    });
  }
});

test('W05 W06 signed more than 5 minutes ago or ahead is refused, on either side of the clock', async () => {
  const body = eventBody({ id: 'evt_time' });
  const now = world.clock().getTime();
  for (const seconds of [-600, -301, 301, 31_536_000]) {
    const header = sign(world, body, { atMs: now + seconds * 1000 });
    await expect(receive(world, body, header), String(seconds)).rejects.toMatchObject({
      kind: 'invalid',
    });
  }
  for (const seconds of [-300, 300]) {
    const header = sign(world, body, { atMs: now + seconds * 1000 });
    expect(await receive(world, body, header)).toMatchObject({ stripeEventId: 'evt_time' });
  }
});

test('W09 an event is known again by the database alone: there is no queue or cache to lose', async () => {
  const body = eventBody({ id: 'evt_twice' });
  expect(await receive(world, body, sign(world, body))).toMatchObject({ isNew: true });
  expect(await receive(world, body, sign(world, body))).toMatchObject({ isNew: false });
});

test('W10 unknown types, other versions and thin events are kept and accepted', async () => {
  const thin = {
    id: 'evt_thin',
    object: 'v2.core.event',
    type: 'v1.invoice.paid',
    created: '2026-02-10T01:00:00.000Z',
    livemode: false,
    data: undefined,
    related_object: { id: 'in_1', type: 'invoice', url: '/v1/invoices/in_1' },
  };
  const events = [
    { id: 'evt_type', type: 'moon.landed', data: { object: { id: 'x', object: 'moon' } } },
    { id: 'evt_version', api_version: '2031-01-01.zinc', data: { object: { object: null } } },
    thin,
  ];
  for (const event of events) {
    const body = eventBody(event);
    expect(await receive(world, body, sign(world, body))).toMatchObject({ isNew: true });
  }
  await processStripeEvents(world.context);
  const rows = await world.db
    .selectFrom('stripe_event')
    .select(['stripe_event_id', 'outcome'])
    .where('stripe_event_id', 'in', ['evt_type', 'evt_version', 'evt_thin'])
    .execute();
  expect(new Set(rows.map(({ outcome }) => outcome))).toEqual(new Set(['ignored']));
});

test('W10 a signed body that we cannot read raises an alarm', async () => {
  for (const body of ['{"id":7}', 'not json']) {
    await expect(receive(world, body, sign(world, body))).rejects.toMatchObject({
      code: 'webhook_unreadable',
    });
  }
  const drift = await findUnresolvedDrift(world.db, { accountId: '' });
  expect(drift.map(({ kind }) => kind)).toEqual(['webhook_unreadable']);
});

test('W11 events of the other mode or of another account are refused', async () => {
  const live = eventBody({ id: 'evt_live', livemode: true });
  await expect(receive(world, live, sign(world, live))).rejects.toMatchObject({
    code: 'webhook_wrong_mode',
  });
  const other = eventBody({ id: 'evt_other', account: 'acct_other' });
  await expect(receive(world, other, sign(world, other))).rejects.toMatchObject({
    code: 'webhook_wrong_account',
  });
  const own = { ...world.webhooks, stripeAccountId: 'acct_own' };
  const ours = eventBody({ id: 'evt_own', account: 'acct_own' });
  expect(await receive(world, ours, sign(world, ours), own)).toMatchObject({ isNew: true });
});
