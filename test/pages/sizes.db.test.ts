import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { grantCredit } from '../../src/ledger/grant-credit.ts';
import { beginAction, endAction } from '../../src/pages/operator/actions/audit-store.ts';
import { recordDrift } from '../../src/stripe/drift.ts';
import { reporter, type Report } from '../support/reports.ts';
import { NASTY, openSite, type Site } from './support/site.ts';
import { get, rowsOf, signedIn } from './support/visit.ts';

const MOST_BYTES = 100_000;
const MANY = 120;

/** Names as long as they may be, in characters that take the most bytes in pages and addresses. */
const named = (index: number): string => `${index}`.padEnd(200, '"<😀&שלום>');
const ACCOUNT = named(0);

let site: Site;
beforeAll(async () => {
  site = await openSite();
  const { db, world } = site.api;
  await report(events());
  await site.closeAndCollect();
  await recordDrift(
    db,
    world.clock(),
    Array.from({ length: MANY }, (_, index) => ({
      accountId: named(index),
      driftId: `drift ${index}`,
      kind: 'payment_unknown_to_us',
      cents: 100n,
      details: { payment_intent: NASTY, charge: NASTY },
    })),
  );
  for (let index = 0; index < MANY; index += 1) {
    const entry = { accountId: ACCOUNT, actionId: `action ${index}` };
    await beginAction(db, world.clock(), {
      ...entry,
      actor: named(index),
      kind: 'credit',
      details: { amount: '100', reason: NASTY },
    });
    await endAction(db, world.clock(), entry, { state: 'refused', message: NASTY });
    await grantCredit(db, world.clock(), {
      accountId: ACCOUNT,
      creditId: `credit ${index}`,
      amountCents: 1n,
      actor: 'alice',
      reason: NASTY,
    });
  }
  await sql`
    with period as (
      insert into billing_period (account_id, start_at, end_at, tier, closed_at)
      select ${ACCOUNT}, n, n + 1, 'STANDARD', now() from generate_series(1, ${MANY}::int) n
    )
    insert into invoice (account_id, invoice_id, period_start, period_end, total_cents, lines_sha256,
      state, state_reason, created_at, hosted_url, pdf_url)
    select account_id, invoice_id || n, n, n + 1, 100, '',
      case when n <= 15 then 'needs_operator' else 'open' end, ${NASTY}, created_at,
      'https://invoice.example/' || repeat('x', 150), 'https://pdf.example/' || repeat('x', 150)
    from invoice, generate_series(1, ${MANY}::int) n where account_id = ${ACCOUNT}`.execute(db);
}, 180_000);
// Its old invoices were not made by a close.
afterAll(async () => await site?.close({ isBroken: true }));

function events(): Report[] {
  const say = reporter(`source ${NASTY}`.slice(0, 200));
  const account = ACCOUNT;
  const told = [
    say('account.created', '2026-01-10T09:00:00Z', {
      account,
      email: `${'x'.repeat(60)}@a.example`,
    }),
    say('account.upgraded', '2026-01-10T09:00:00Z', { account }),
  ];
  for (let index = 0; index < MANY; index += 1) {
    const app = named(index);
    const at = (day: number): string =>
      `2026-02-${String(day).padStart(2, '0')}T0${index % 10}:00:00Z`;
    told.push(
      say('app.deployed', '2026-01-11T00:00:00Z', { account, app, replicas: 1, size: 0.2 }),
      say('database.available', '2026-01-11T00:00:00Z', { account, app, database: app, size: 0.6 }),
      ...Array.from({ length: 9 }, (_, day) =>
        say('app.scaled', at(day + 11), { account, app, replicas: day % 3, size: 0.5 }),
      ),
      ...Array.from({ length: index < 6 ? 1000 : 0 }, (_, hour) =>
        say('app.scaled', new Date(Date.UTC(2026, 0, 11, hour)).toISOString(), {
          account,
          app,
          replicas: (hour % 3) + 1,
          size: 0.5,
        }),
      ),
      say('account.created', at(12), { account: named(index + 1000), email: 'a@b.example' }),
      say('app.deleted', at(12), { account: named(index + 2000), app }),
      say('app.scaled', at(13), { account: named(index), app, replicas: NASTY, size: 0.5 }),
    );
  }
  return told.map((one, index) => ({ ...one, id: `${index} ${NASTY}`.slice(0, 200) }));
}

async function report(all: readonly Report[]): Promise<void> {
  for (let from = 0; from < all.length; from += 200) {
    const body = all.slice(from, from + 200);
    const { status } = await site.api.call({
      method: 'POST',
      url: '/v1/events',
      key: site.api.keys.ingest,
      body,
    });
    expect(status).toBeLessThan(300);
  }
}

async function sizeOf(url: string): Promise<number> {
  const cookie = await signedIn(site);
  const { statusCode, body } = await site.api.server.inject({ url, headers: { cookie } });
  expect([url, statusCode]).toEqual([url, 200]);
  expect(body).not.toContain('<😀');
  return Buffer.byteLength(body);
}

test('no page has more than 100 kB, whatever there is of whatever name', async () => {
  const account = encodeURIComponent(ACCOUNT);
  const { invoice_id: invoice } = await site.api.db
    .selectFrom('invoice')
    .select('invoice_id')
    .where('account_id', '=', ACCOUNT)
    .executeTakeFirstOrThrow();
  const sizes = new Map<string, number>();
  for (const path of [
    `/account/${account}`,
    `/account/${account}?levels=1&what=new-app&replicas=3&size=0.5`,
    `/account/${account}/invoices/${invoice}`,
    `/account/${account}/invoices/${invoice}?line=1`,
    '/operator',
    '/operator/accounts',
    `/operator/accounts/${account}`,
    '/operator/events',
    '/operator/actions',
  ]) {
    sizes.set(path.replaceAll(account, 'nasty'), await sizeOf(path));
  }
  expect([...sizes].filter(([, bytes]) => bytes > MOST_BYTES)).toEqual([]);
});

test('what a table leaves out is in its sums', async () => {
  const url = `/account/${encodeURIComponent(ACCOUNT)}`;
  const page = String((await get(site, url, await signedIn(site))).body);
  const rows = rowsOf(page, 'Apps and databases of this period');
  expect(rows.at(-2)![0]).toBe(`${2 * MANY - 25} others`);
  const cents = (amount: string): number => Number(amount.replaceAll(/[$.,]/g, ''));
  for (const column of [3, 4, 5]) {
    const total = cents(rows.at(-1)![column]!);
    const sum = rows.slice(0, -1).reduce((so, row) => so + cents(row[column]!), 0);
    expect(sum).toBe(total);
    expect(total).toBeGreaterThan(0);
  }
});

test('an operator is told which invoices cannot go on, and why', async () => {
  const page = String((await get(site, '/operator', await signedIn(site))).body);
  expect(page).toContain('15 invoices cannot go on without a person');
  expect(page.match(/<li><a href="[^"]*\/invoices\//g)).toHaveLength(10);
});
