import { afterAll, beforeAll, expect, test } from 'vitest';
import { watchPlans, type Plan } from '../support/plans.ts';
import { openSite, type Site } from './support/site.ts';
import { signedIn } from './support/visit.ts';

let site: Site;
let plans: Plan[];
beforeAll(async () => {
  site = await openSite();
  plans = await watchPlans(site.api.world.database.pool);
});
afterAll(async () => await site.close());

async function statementsOf(who: string | undefined, url: string): Promise<number> {
  const cookie = await signedIn(site, who);
  plans.length = 0;
  const { statusCode } = await site.api.server.inject({ url, headers: { cookie } });
  expect([url, statusCode]).toEqual([url, 200]);
  // The session is looked for each time.
  expect(plans.some(({ statement }) => statement.includes('find_page_session'))).toBe(true);
  return plans.length;
}

/** Each is a look-up by an index; test/database holds their plans. */
test.each([
  ['acme', '/account/acme', 7],
  ['acme', '/account/acme?levels=1&what=new-app&replicas=3&size=0.5', 8],
  ['hobby', '/account/hobby', 7],
  ['acme', '/account/acme/quote?what=app:web&replicas=3&size=0.5', 4],
  [undefined, '/account/broke', 6],
  [undefined, '/operator', 5],
  [undefined, '/operator/accounts?q=a', 2],
  [undefined, '/operator/accounts?q=cme', 3],
  [undefined, '/operator/accounts/acme', 4],
  [undefined, '/operator/events', 3],
  [undefined, '/operator/actions', 2],
])(
  'as %s: %s takes no more than %i statements, whatever there is to show',
  async (who, url, most) => {
    expect(await statementsOf(who, url)).toBeLessThanOrEqual(most);
  },
);

test('an invoice takes three statements, and three more for the segments of any of its lines', async () => {
  const lines = await site.api.db
    .selectFrom('invoice_line')
    .select(['invoice_id', 'line_number', 'kind'])
    .where('account_id', '=', 'acme')
    .execute();
  const kinds = lines.map(({ kind }) => kind);
  expect(kinds).toEqual(expect.arrayContaining(['app', 'database', 'credit']));
  for (const { invoice_id: id, line_number: line, kind } of lines) {
    const path = `/account/acme/invoices/${id}`;
    expect(await statementsOf('acme', path)).toBeLessThanOrEqual(3);
    const most = kind === 'credit' ? 3 : 6;
    expect(await statementsOf('acme', `${path}?line=${line}`)).toBeLessThanOrEqual(most);
  }
});
