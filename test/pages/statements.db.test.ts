import { afterAll, beforeAll, expect, test } from 'vitest';
import { watchPlans, type Plan } from '../support/plans.ts';
import { openSite, type Site } from './support/site.ts';

let site: Site;
let plans: Plan[];
beforeAll(async () => {
  site = await openSite();
  plans = await watchPlans(site.api.world.database.pool);
});
afterAll(async () => await site.close());

async function signIn(account?: string): Promise<string> {
  const token = (await site.link(account)).split('=')[1]!;
  const { headers } = await site.api.server.inject({
    method: 'POST',
    url: '/sign-in/link',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: `token=${token}`,
  });
  return String(headers['set-cookie']).split(';')[0]!;
}

/** Each is a look-up by an index; test/database holds their plans. */
test.each([
  ['acme', '/account/acme', 16],
  ['acme', '/account/acme?levels=1&what=new-app&replicas=3&size=0.5', 22],
  ['hobby', '/account/hobby', 17],
  [undefined, '/operator', 8],
  [undefined, '/operator/accounts?q=a', 2],
  [undefined, '/operator/accounts/acme', 3],
  [undefined, '/operator/events', 3],
  [undefined, '/operator/actions', 2],
])(
  'as %s: %s takes no more than %i statements, whatever there is to show',
  async (who, url, most) => {
    const cookie = await signIn(who);
    plans.length = 0;
    const { statusCode } = await site.api.server.inject({ url, headers: { cookie } });
    expect(statusCode).toBe(200);
    expect(plans.length).toBeLessThanOrEqual(most);
    expect(plans.length).toBeGreaterThan(1);
  },
);
