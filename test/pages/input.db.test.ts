import { afterAll, beforeAll, expect, test } from 'vitest';
import { NASTY, openSite, type Site } from './support/site.ts';
import { csrfOf, get, post, signedIn } from './support/visit.ts';

let site: Site;
beforeAll(async () => {
  site = await openSite();
});
afterAll(async () => await site?.close());

const accountPath = (id: string): string => `/account/${encodeURIComponent(id)}`;

/** Where a character that turns the direction of writing around it is not kept to the name it is in. */
function turned(body: string): string[] {
  const kept = body
    .replaceAll(/<bdi [^>]*>[^<]*<\/bdi>/g, '')
    .replaceAll(/\u2068[^\u2069]*\u2069/g, '')
    .replaceAll(/="[^"]*"/g, '');
  return kept.match(/.{0,40}\u202E.{0,40}/g) ?? [];
}

test('a name is text wherever it stands, and turns nothing around it', async () => {
  const operator = await signedIn(site);
  const { invoice_id: invoice } = await site.api.db
    .selectFrom('invoice')
    .select('invoice_id')
    .where('account_id', '=', NASTY)
    .executeTakeFirstOrThrow();
  const path = encodeURIComponent(NASTY);
  for (const url of [
    accountPath(NASTY),
    `${accountPath(NASTY)}?levels=1&what=app%3A${path}&replicas=3&size=0.5`,
    `${accountPath(NASTY)}?what=app%3A${path}x&replicas=3&size=0.5`,
    `${accountPath(NASTY)}/invoices/${invoice}?line=1`,
    '/operator',
    `/operator/accounts?q=${path.slice(0, 9)}`,
    `/operator/accounts/${path}`,
    '/operator/events',
    `/operator/confirm?kind=credit&account=${path}&amount=1&reason=${path}`,
  ]) {
    const { status, body } = await get(site, url, operator);
    expect([url, status]).toEqual([url, 200]);
    expect(body).not.toContain('<script>alert');
    expect(body).not.toContain('"><img');
    expect(body).toContain('&lt;script');
    expect([url, turned(String(body))]).toEqual([url, []]);
  }
  const unknown = await get(site, `/account/${path}/invoices/${path}`, operator);
  expect(unknown).toMatchObject({ status: 404 });
});

test('an event is shown as it was reported, with its marks of direction written out', async () => {
  const { body } = await get(site, '/operator/events', await signedIn(site));
  const reported = /<details>.*?<\/details>/.exec(String(body))![0];
  expect(reported).toContain(String.raw`\u202eabc`);
  expect(reported).not.toContain('\u202E');
});

test('addresses and forms nobody of ours made are refused, and break nothing', async () => {
  const cookie = await signedIn(site);
  const csrf = csrfOf(await get(site, '/operator', cookie));
  for (const [url, status] of [
    ['/account/%00', 404],
    [`/account/${'x'.repeat(201)}`, 404],
    [`/account/${encodeURIComponent('😀'.repeat(200))}`, 404],
    ['/account/acme?levels=1&levels=2', 422],
    ['/account/acme?levels=1&before=never&card=x', 200],
    ['/account/acme?what=a%00&what=b&size=1', 200],
    ['/account/acme/quote?what=app:web&replicas=-1&size=1e309', 200],
    ['/account/acme/quote?size=1', 404],
    ['/account/acme/invoices/%00', 404],
    ['/operator?from=x', 200],
    ['/operator/accounts?q=%00%25_%5C&after=%00', 200],
    ['/operator/accounts?q=a&q=b', 200],
    ['/operator/accounts/%00', 422],
    ['/operator/accounts/acme?action=a&action=b', 422],
    ['/operator/accounts/acme?from=-1&source=x', 200],
    ['/operator/events?parked=1e99&quarantined=x&account=%00', 200],
    ['/operator/actions?from=99999', 200],
    ['/operator/confirm?kind=credit', 422],
    ['/operator/confirm?kind=credit&account=acme&amount=0.001&reason=x', 422],
    ['/operator/nowhere', 404],
    ['/account/nobody', 404],
  ] as const) {
    const answer = await get(site, url, cookie);
    expect([url, answer.status]).toEqual([url, status]);
    expect([url, String(answer.body)]).toEqual([url, expect.stringContaining('</')]);
  }
  for (const fields of [{}, { kind: 'credit' }, { kind: 'nonsense', account: 'acme' }]) {
    const answer = await post(site, '/operator/actions', { ...fields, csrf }, { cookie });
    expect([fields, answer.status]).toEqual([fields, 422]);
  }
  expect(await post(site, '/sign-in', {})).toMatchObject({ status: 422 });
  expect(await post(site, '/sign-in/link', { token: 'x'.repeat(300) })).toMatchObject({
    status: 422,
  });
});
