import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatCents } from '../../src/values/money.ts';
import type { Answer } from '../http/support/api.ts';
import { openSite, type Site } from './support/site.ts';
import { get, rowsOf, signedIn } from './support/visit.ts';

let site: Site;
let page: string;
let cookie: string;
beforeAll(async () => {
  site = await openSite();
  cookie = await signedIn(site, 'acme');
  page = String((await get(site, '/account/acme', cookie)).body);
});
afterAll(async () => await site?.close());

async function api(path: string, body?: unknown): Promise<Answer['body']> {
  const method = body === undefined ? 'GET' : 'POST';
  const url = `/v1/accounts/acme${path}`;
  const answer = await site.api.call({ method, url, key: site.api.keys.read, body });
  expect([url, answer.status]).toEqual([url, 200]);
  return answer.body;
}

type Line = { readonly amount_cents: number; readonly app?: string; readonly database?: string };

const dollars = (cents: number): string => formatCents(BigInt(cents));

test("the figures at the top are the API's to the cent", async () => {
  for (const path of ['/usage', '/run-rate', '/forecast']) {
    const { total_cents: cents } = await api(path);
    expect([path, cents > 0]).toEqual([path, true]);
    expect(page).toContain(`<strong><span class="money">${dollars(cents)}</span>`);
  }
  const { credit_cents: credit } = await api('');
  expect(rowsOf(page, 'What happened to the credit').at(-1)).toEqual([
    'Available',
    '',
    dollars(credit),
  ]);
  const { entries } = await api('/credits');
  const amounts = entries.map((one: Line) => dollars(one.amount_cents));
  expect(rowsOf(page, 'What happened to the credit').map((row) => row[2])).toEqual([
    ...amounts.toReversed(),
    dollars(credit),
  ]);
});

/** Of a bill; usage has them by what they are about. */
function linesOf({ lines, apps, databases }: Answer['body']): readonly Line[] {
  return lines ?? [...apps, ...databases];
}

test("each app and database costs what the API's lines say", async () => {
  const rows = rowsOf(page, 'Apps and databases of this period');
  const columns = await Promise.all(
    ['/usage', '/forecast', '/run-rate'].map(async (path): Promise<readonly Line[]> =>
      linesOf(await api(path)),
    ),
  );
  columns.forEach((lines, column) => {
    const shown = rows.slice(0, -1).map((row) => row[3 + column]!);
    const told = lines.map(({ amount_cents: cents }) => dollars(cents));
    expect(shown.filter((amount) => amount !== '$0.00').toSorted()).toEqual(told.toSorted());
  });
});

test('days add up to what was used, and to the forecast', async () => {
  const rows = rowsOf(page, 'Cost per day"').filter(([day]) => day?.endsWith('2026'));
  expect(rows.length).toBe(29);
  const sum = (column: number): number =>
    rows.reduce((total, row) => total + Number(row.at(column)!.replaceAll(/[$.,]/g, '')), 0);
  const { total_cents: used } = await api('/usage');
  const { total_cents: forecast } = await api('/forecast');
  expect(sum(-2)).toBe(used);
  expect(sum(-2) + sum(-1)).toBe(forecast);
});

test("a quote is the API's, in the page and while it is typed", async () => {
  const change = { change: 'scale_app', app: 'web', replicas: 7, size: 0.7 };
  const { present, proposed } = await api('/quote', change);
  const query = 'what=app:web&replicas=7&size=0.7';
  for (const url of [`/account/acme?${query}`, `/account/acme/quote?${query}`]) {
    const rows = rowsOf(String((await get(site, url, cookie)).body), 'The quote');
    for (const [index, what] of [
      [1, 'rest_of_period_cents'],
      [2, 'full_period_cents'],
    ] as const) {
      const [now, then] = [present[what], proposed[what]];
      expect(rows[index]!.slice(1)).toEqual([now, then, then - now].map(dollars));
    }
    expect(rows[0]![1]).toBe(`$${Number(present.usd_per_hour).toFixed(4)}`);
  }
});

test("an invoice, its lines and their segments are the API's", async () => {
  const { invoices } = await api('/invoices');
  expect(rowsOf(page, 'Invoices').map((row) => row[2])).toEqual(
    invoices.map((one: { total_cents: number }) => dollars(one.total_cents)).toReversed(),
  );
  const { invoice_id: id } = invoices[0];
  const { lines, total_cents } = await api(`/invoices/${id}`);
  const path = `/account/acme/invoices/${id}`;
  const invoice = String((await get(site, path, cookie)).body);
  expect(rowsOf(invoice, 'Lines of the invoice').map((row) => row.at(-1))).toEqual(
    [...lines.map((line: Line) => line.amount_cents), total_cents].map(dollars),
  );
  let explained = 0;
  for (const [index, line] of (lines as Line[]).entries()) {
    const { segments, rest } = await api(`/invoices/${id}/lines/${index + 1}/segments`);
    expect(rest).toBeNull();
    if (segments.length === 0) continue;
    const body = String((await get(site, `${path}?line=${index + 1}`, cookie)).body);
    const amounts = segments.map((one: Line) => dollars(one.amount_cents));
    expect(rowsOf(body, `Segments of line ${index + 1}`).map((row) => row[4])).toEqual([
      ...amounts,
      dollars(line.amount_cents),
    ]);
    explained += segments.length;
  }
  expect(explained).toBeGreaterThan(3);
});
