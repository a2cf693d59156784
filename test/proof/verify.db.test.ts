import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventParser } from '../../src/events/parse-event.ts';
import { closeDuePeriods } from '../../src/invoicing/close-periods.ts';
import { eventRecorder, type RecordEvents } from '../../src/metering/record-events.ts';
import { rebuildSeries } from '../../src/metering/series/rebuild-series.ts';
import { findUnsealed, sealEvents } from '../../src/proof/seal-events.ts';
import { verifyAccount } from '../../src/proof/verify-account.ts';
import { bundleOf, provenByScript } from '../support/bundles.ts';
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
afterAll(async () => await database.drop({ isBroken: true }));

/** Two closed months: a database, a job, scales, a report that came too late, one that was superseded. */
async function billedAccount(): Promise<{ account: string; invoiceIds: string[] }> {
  const account = `proven-${++accounts}`;
  const say = reporter(account);
  const app = { account, app: 'web' };
  const wrong = say('app.scaled', '2026-01-20T00:00:00Z', { ...app, replicas: 9, size: 1 });
  await record(recordedAt, [
    say('account.created', '2026-01-01T00:00:00Z', { account, email: 'p@payer.example' }),
    say('account.upgraded', '2026-01-05T00:00:00Z', { account }),
    say('app.deployed', '2026-01-01T00:00:00Z', { ...app, replicas: 1, size: 0.5 }),
    say('database.available', '2026-01-03T00:00:00Z', { ...app, database: 'db', size: 0.6 }),
    say('job.started', '2026-01-07T00:00:00Z', { ...app, job: 'j', size: 1.2 }),
    wrong,
  ]);
  await close('2026-02-01T00:00:00Z');
  await record(recordedAt, [
    say('app.scaled', '2026-01-10T00:00:00Z', { ...app, replicas: 3, size: 0.5 }),
    say('event.superseded', '2026-02-02T00:00:00Z', {
      account,
      superseded_source: account,
      superseded_id: wrong.id,
      actor: 'ops',
      reason: 'another app',
    }),
    say('app.deleted', '2026-02-10T00:00:00Z', app),
  ]);
  await close('2026-03-01T00:00:00Z');
  const invoices = await database.db
    .selectFrom('invoice')
    .select('invoice_id')
    .where('account_id', '=', account)
    .orderBy('recording')
    .execute();
  return { account, invoiceIds: invoices.map((row) => row.invoice_id) };
}

async function close(at: string): Promise<void> {
  await closeDuePeriods(database.db, new Date(at), {
    graceSeconds: 0n,
    onFailure: (_account, error) => {
      throw error;
    },
  });
}

/** As somebody with all rights on the server could. */
async function tamper(statement: string): Promise<void> {
  const client = await database.pool.connect();
  await client.query(`set session_replication_role = replica; ${statement}`);
  client.release(true);
}

test('an honest account is proven: its chain, its heads and every line, corrections included', async () => {
  const { account, invoiceIds } = await billedAccount();
  expect(invoiceIds).toHaveLength(2);
  expect(await findUnsealed(database.db)).toContain(account);
  await sealEvents(database.db, account);
  await sealEvents(database.db, account);
  expect(await findUnsealed(database.db)).not.toContain(account);
  // Nine reported, and the end of the database with its app.
  expect(await verifyAccount(database.db, account)).toEqual({
    account,
    sealedEvents: 10n,
    archivedInvoices: 0,
    invoices: 2,
    breaks: [],
    discrepancies: [],
  });
});

test.each([
  ['a level', "update event set level = 40 where type = 'app.scaled' and at = 1768003200"],
  ['a second', "update event set at = at + 1 where type = 'app.scaled' and at = 1768003200"],
  [
    'when it was recorded',
    "update event set recorded_at = recorded_at + '1 ms' where type = 'app.scaled' and at = 1768003200",
  ],
])('one changed byte is found and its event named: %s', async (_what, statement) => {
  const { account } = await billedAccount();
  await sealEvents(database.db, account);
  await tamper(`${statement} and account_id = '${account}'`);
  const { breaks } = await verifyAccount(database.db, account);
  expect(breaks).toEqual([
    { kind: 'changed', event: { source: account, id: 'e-7' }, position: expect.any(BigInt) },
  ]);
});

test('an event that is gone, and one that was slipped in, are named', async () => {
  const { account } = await billedAccount();
  await sealEvents(database.db, account);
  await tamper(`delete from event where account_id = '${account}' and event_id = 'e-3'`);
  const { breaks } = await verifyAccount(database.db, account);
  expect(breaks).toMatchObject([{ kind: 'missing', position: 3n }]);

  const unborn = (await billedAccount()).account;
  await sealEvents(database.db, unborn);
  await tamper(`delete from event where account_id = '${unborn}' and type = 'account.created'`);
  const { breaks: unknown } = await verifyAccount(database.db, unborn);
  expect(unknown).toMatchObject([{ kind: 'missing', position: 1n }]);

  // Slipped in without an e-mail address, so that nothing can be computed from it.
  const other = (await billedAccount()).account;
  await sealEvents(database.db, other);
  await tamper(`insert into event (account_id, source, event_id, type, at, tie, recording, recorded_at)
    select account_id, source, 'e-2x', type, at, tie, recording, recorded_at
    from event where account_id = '${other}' and event_id = 'e-2'`);
  const added = await verifyAccount(database.db, other);
  expect(added.breaks).toMatchObject([{ kind: 'added', event: { id: 'e-2x' } }]);
});

test('a changed line, total or head of an invoice is named with what is right', async () => {
  const { account, invoiceIds } = await billedAccount();
  await sealEvents(database.db, account);
  const [first, second] = invoiceIds;
  await tamper(`update invoice_line set amount_cents = amount_cents + 1
    where invoice_id = '${first}' and kind = 'app'`);
  await tamper(`update invoice set chain_head = repeat('0', 64) where invoice_id = '${second}'`);
  const { discrepancies } = await verifyAccount(database.db, account);
  expect(discrepancies.map(({ invoiceId, what }) => [invoiceId, what])).toEqual(
    expect.arrayContaining([
      [first, '["app","web"]'],
      [first, 'total'],
      [first, 'fingerprint of the lines'],
      [second, 'chain head'],
    ]),
  );
});

test('an account holder proves a bundle with the script alone', async () => {
  const { account, invoiceIds } = await billedAccount();
  for (const invoiceId of invoiceIds) {
    expect(provenByScript(await bundleOf(database.db, account, invoiceId))).toMatchObject({
      status: 0,
      stdout: expect.stringContaining(`proven  ${invoiceId}`),
    });
  }
});

test('whatever byte of a bundle is changed, it is found and where it is is named', async () => {
  const { account, invoiceIds } = await billedAccount();
  const lines = await bundleOf(database.db, account, invoiceIds[1]!);
  const changed = (index: number, from: string, to: string): string[] => {
    expect(lines[index]).toContain(from);
    return lines.with(index, lines[index]!.replace(from, to));
  };
  const at = (text: string): number => lines.findLastIndex((line) => line.includes(text));
  expect(
    provenByScript(changed(at('"app.scaled"'), '"1768003200"', '"1768003201"')).stdout,
  ).toContain('e-7) is not what was sealed');
  // What no line of the invoice rests on, and what only says the same in another way.
  const book = at('"price_book"');
  expect(provenByScript(changed(book, 'gigalixir', 'Gigalixir'))).toMatchObject({
    status: 1,
    stdout: expect.stringContaining(`line ${book + 1} (price_book) is not what was written`),
  });
  expect(provenByScript(changed(book, '":"', '": "')).stdout).toContain(
    `line ${book + 1} is changed`,
  );
  const invoice = at('"invoice"');
  expect(provenByScript(changed(invoice, 'Correction', 'correction')).stdout).toContain(
    `line ${invoice + 1} (invoice)`,
  );
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
  for (let place = 0; place < bytes.length - 1; place += 331) {
    const one = Buffer.from(bytes);
    one[place]! ^= 1;
    const line = bytes.subarray(0, place).toString().split('\n').length;
    const events = lines.slice(0, line).filter((text) => text.includes('"event":')).length;
    const { status, stdout } = provenByScript(one);
    expect([status, place, stdout]).toEqual([
      line === 1 ? expect.toBeOneOf([1, 2]) : 1,
      place,
      line === 1 ? expect.anything() : expect.stringMatching(`(line ${line}|event ${events} )`),
    ]);
  }
  for (const cut of [lines.slice(0, -1), lines.toSpliced(-2, 1), lines.toSpliced(book, 1)]) {
    expect(provenByScript(cut).status).toBe(1);
  }
});

test('a rebuild finds what is wrong in derived rows, says it, and puts it right', async () => {
  const { account } = await billedAccount();
  expect(await rebuildSeries(database.db, [account], true)).toEqual([]);
  await tamper(`update series set offset_units = offset_units + 5
    where account_id = '${account}' and meter = 'app';
    update checkpoint set integral_units = integral_units + 7 where account_id = '${account}'
      and meter = 'database' and at = 1769904000;
    delete from job where account_id = '${account}'`);
  const told = [
    'job web/j',
    'series app web size 0',
    'checkpoint database db size 6 at 1769904000',
  ];
  const named = (drifts: readonly { readonly what: string }[]) => drifts.map(({ what }) => what);
  expect(named(await rebuildSeries(database.db, [account], true))).toEqual(told);
  expect(named(await rebuildSeries(database.db, [account], false))).toEqual(told);
  expect(await rebuildSeries(database.db, [account], false)).toEqual([]);
  await sealEvents(database.db, account);
  expect(await verifyAccount(database.db, account)).toMatchObject({ discrepancies: [] });
});
