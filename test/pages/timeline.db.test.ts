import { afterAll, beforeAll, expect, test } from 'vitest';
import { NASTY, openSite, type Site } from './support/site.ts';
import { get, rowsOf, signedIn } from './support/visit.ts';

let site: Site;
beforeAll(async () => {
  site = await openSite();
});
// No month was archived in truth.
afterAll(async () => await site?.close({ isBroken: true }));

async function accountPage(account: string): Promise<string> {
  const operator = await signedIn(site);
  return String((await get(site, `/operator/accounts/${account}`, operator)).body);
}

test('what followed within a second stands above what it followed', async () => {
  const [signal, attempt, invoice] = rowsOf(await accountPage('broke'), 'What happened');
  expect([signal, attempt, invoice].map((row) => row?.[0])).toEqual([
    'account.past_due signal',
    'payment attempt 1',
    'invoice made',
  ]);
});

test('a name in a detail turns nothing that stands after it', async () => {
  const rows = rowsOf(await accountPage(encodeURIComponent(NASTY)), 'What happened');
  const details = rows.map(([what, detail]) => [what, detail?.replace(/^\u2068.*\u2069/, 'NAME')]);
  expect(details).toEqual(
    expect.arrayContaining([
      ['app.deployed', 'NAME: 1 × 1'],
      ['database.available', 'NAME: size 0.6'],
    ]),
  );
});

test('events that were archived are not listed, and that is said', async () => {
  const { db } = site.api;
  const file = { file: 'x', rows: 9n, carried: 0n, file_bytes: 1n };
  for (const [month, events] of [
    ['2025-01', 1200n],
    ['2025-03', 34n],
  ] as const) {
    await db
      .insertInto('archived_month')
      .values({
        month,
        ...file,
        file_sha256: '0'.repeat(64),
        lines_sha256: '0'.repeat(64),
        archived_at: new Date('2026-02-01T00:00:00Z'),
      })
      .execute();
    await db.insertInto('archived_account').values({ account_id: 'acme', month, events }).execute();
  }
  expect(await accountPage('acme')).toContain(
    'Not listed: 1,234 events recorded until 2025-03, now in the archive.',
  );
  expect(await accountPage('broke')).not.toContain('Not listed');
});
