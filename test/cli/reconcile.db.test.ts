import { sql } from 'kysely';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand } from '../../src/cli/program.ts';
import { readConfig } from '../../src/config.ts';
import { eventParser } from '../../src/events/parse-event.ts';
import { closeDuePeriods } from '../../src/invoicing/close-periods.ts';
import { eventRecorder } from '../../src/metering/record-events.ts';
import { openServices } from '../../src/service/open-services.ts';
import { setPaymentMethod } from '../../src/stripe/cards/set-payment-method.ts';
import { reporter } from '../support/reports.ts';
import { settle } from '../stripe/support/drive.ts';
import { customerOf } from '../stripe/support/faulty.ts';
import { openWorld, TEST_KEY, type World } from '../stripe/support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
  await meterBillAndCollect();
});
afterAll(async () => await world.close());

async function meterBillAndCollect(): Promise<void> {
  const { db } = world;
  const account = 'acme';
  const at = '2026-01-10T00:00:00Z';
  const say = reporter();
  await eventRecorder({ db, parse: eventParser(1000) })(new Date(at), [
    say('account.created', at, { account, email: 'owner@acme.example' }),
    say('account.upgraded', at, { account }),
    say('app.deployed', at, { account, app: 'web', replicas: 1, size: 0.5 }),
  ]);
  const failed: string[] = [];
  const onFailure = (accountId: string) => failed.push(accountId);
  await closeDuePeriods(db, world.clock(), { graceSeconds: 0n, onFailure });
  expect(failed).toEqual([]);
  await setPaymentMethod(world.context, { accountId: account, source: { token: 'tok_visa' } });
  await settle(world);
}

/** The command, as the process would run it. */
async function run(args: readonly string[], apiKey = TEST_KEY) {
  const lines: string[] = [];
  const add = (text: string) => void lines.push(text);
  const env = {
    DATABASE_URL: world.database.url,
    STRIPE_API_KEY: apiKey,
    STRIPE_API_BASE: world.stripe.url,
  };
  const open = async () =>
    await openServices(readConfig(env), () => new Date(), pino({ level: 'silent' }));
  const unused = async () => await Promise.reject(new Error('another command'));
  const context = {
    clock: () => new Date(),
    output: { data: add, note: add },
    maxReplicas: 1000,
    open,
    migrate: unused,
    describeApi: unused,
    start: unused,
    demo: unused,
  };
  const code = await runCommand(context, args);
  return { code, text: lines.join('\n') };
}

test('without a key of Stripe it says which setting is missing', async () => {
  const { code, text } = await run(['reconcile'], '');
  expect(code).toBe(2);
  expect(text).toContain('set STRIPE_API_KEY');
});

test('what was metered, billed, booked and collected is equal: no differences', async () => {
  const text = '1 invoices compared at Stripe: no differences.';
  expect(await run(['reconcile', '--account', 'acme'])).toEqual({ code: 0, text });
});

test('a change by hand is told in cents and left alone, until a person says what was done about it', async () => {
  const customer = await customerOf(world, 'acme');
  const path = `/v1/customers/${customer}`;
  await world.gateway.send({ method: 'POST', path, params: { balance: -700 } });
  const { code, text } = await run(['reconcile', '--json']);
  expect(code).toBe(8);
  const difference = `customer_balance:${customer}`;
  expect(JSON.parse(text)).toMatchObject({
    accounts: [{ account: 'acme', cents: -700, differences: [{ difference, cents: -700 }] }],
  });
  expect((await run(['reconcile', '--account', 'acme'])).text).toMatch(
    /customer_balance:cus_\w+ +-\$7\.00/,
  );
  const seen = world.stripe.state()['customer']?.find(({ id }) => id === customer);
  expect(seen).toMatchObject({ balance: -700 });
  expect(await run(['resolve', 'acme', difference, '--reason', 'a goodwill gift'])).toEqual({
    code: 0,
    text: `${difference} of acme is resolved: a goodwill gift`,
  });
  expect((await run(['reconcile'])).code).toBe(0);
});

test('a series that says otherwise than its invoice is told in cents', async () => {
  const { db } = world;
  await sql`update series set level = level * 2, offset_units = offset_units * 2`.execute(db);
  await sql`delete from checkpoint`.execute(db);
  const { code, text } = await run(['reconcile', '--account', 'acme', '--json']);
  await sql`update series set level = level / 2, offset_units = offset_units / 2`.execute(db);
  expect(code).toBe(8);
  expect(JSON.parse(text)).toMatchObject({ accounts: [{ account: 'acme', cents: -2500 }] });
});

test("a stopped invoice goes on at an operator's command", async () => {
  const { db } = world;
  const { invoice_id: invoice } = await db
    .selectFrom('invoice')
    .select('invoice_id')
    .executeTakeFirstOrThrow();
  expect((await run(['resume', invoice])).code).toBe(4);
  await db
    .updateTable('invoice')
    .set({ state: 'needs_operator', stripe_invoice_id: null })
    .execute();
  expect(await run(['resume', invoice])).toMatchObject({ code: 0 });
  expect((await run(['resume', 'inv_none'])).code).toBe(3);
});

test('unknown accounts and differences are said to be unknown', async () => {
  expect((await run(['reconcile', '--account', 'nobody'])).code).toBe(3);
  expect((await run(['resolve', 'acme', 'nothing', '--reason', 'none'])).code).toBe(3);
});

test('when Stripe cannot be asked, that is what it says', async () => {
  world.stripe.faults.add({ kind: 'error_500_before', times: 100 });
  const { code, text } = await run(['reconcile', '--account', 'acme']);
  world.stripe.faults.clear();
  expect(code).toBe(7);
  expect(text).toContain('Stripe cannot be read');
});

test('what a voided invoice asked for is asked for again at a command', async () => {
  const { db } = world;
  const { invoice_id: invoice } = await db
    .selectFrom('invoice')
    .select('invoice_id')
    .executeTakeFirstOrThrow();
  expect((await run(['reissue', invoice])).code).toBe(4);
  await db.updateTable('invoice').set({ state: 'void' }).execute();
  expect(await run(['reissue', invoice])).toMatchObject({ code: 0 });
  expect(await run(['verify', 'acme'])).toMatchObject({ code: 0 });
  expect((await run(['reissue', 'inv_none'])).code).toBe(3);
});
