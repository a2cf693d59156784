import { afterAll, beforeAll, expect, test } from 'vitest';
import { issueOperatorKey, revokeKey } from '../../src/accounts/api-key-store.ts';
import { makeSignInLink } from '../../src/login/sign-in-link.ts';
import { openSite, type Site } from './support/site.ts';
import { cookieOf, csrfOf, get, post, signedIn } from './support/visit.ts';

let site: Site;
beforeAll(async () => {
  site = await openSite();
});
afterAll(async () => await site?.close());

test('a link signs in once and not after a quarter of an hour', async () => {
  const { db, world } = site.api;
  const link = await makeSignInLink(db, world.clock(), { accountId: 'acme', actor: 'alice' });
  const token = link.path.split('=')[1]!;
  const first = await post(site, '/sign-in/link', { token });
  expect(first).toMatchObject({ status: 303, headers: { location: '/account/acme' } });
  expect(String(first.headers['set-cookie'])).toMatch(/HttpOnly; SameSite=Lax/);
  expect(await post(site, '/sign-in/link', { token })).toMatchObject({ status: 401 });
  const made = new Date(world.clock().getTime() - 15 * 60_000);
  const old = await makeSignInLink(db, made, { accountId: 'acme', actor: 'alice' });
  const late = await post(site, '/sign-in/link', { token: old.path.split('=')[1]! });
  expect(late).toMatchObject({ status: 401 });
});

test('an account sees itself only, and no page of operators', async () => {
  const cookie = await signedIn(site, 'hobby');
  expect(await get(site, '/account/hobby', cookie)).toMatchObject({ status: 200 });
  const foreign = ['/account/acme', '/account/nobody', '/account/acme/quote?what=new-app&size=1'];
  const operator = ['', '/accounts', '/accounts/hobby', '/events', '/actions', '/confirm'];
  for (const path of [...foreign, ...operator.map((one) => `/operator${one}`)]) {
    expect([path, (await get(site, path, cookie)).status]).toEqual([path, 404]);
  }
});

test('nobody sees a page without signing in, and comes back to it', async () => {
  const answer = await get(site, '/account/acme');
  expect(answer).toMatchObject({
    status: 303,
    headers: { location: '/sign-in?next=%2Faccount%2Facme' },
  });
  const key = await site.api.accountKey('acme');
  const back = await post(site, '/sign-in', { key, next: '/account/acme' });
  expect(back.headers.location).toBe('/account/acme');
  for (const next of ['//evil.example', '/account/\\evil', 'https://evil.example/account']) {
    expect((await post(site, '/sign-in', { key, next })).headers.location).toBe('/account/acme');
  }
  expect(await post(site, '/sign-in', { key: 'gm_wrong' })).toMatchObject({ status: 401 });
});

test('a session ends by signing out and with the key it came from', async () => {
  const { db, world } = site.api;
  const key = await issueOperatorKey(db, world.clock(), { scopes: ['read'], label: 'page' });
  const cookie = cookieOf(await post(site, '/sign-in', { key: key.secret }));
  expect(await get(site, '/operator', cookie)).toMatchObject({ status: 200 });
  await revokeKey(db, world.clock(), key.keyId);
  expect(await get(site, '/operator', cookie)).toMatchObject({ status: 303 });

  const other = await signedIn(site);
  const csrf = csrfOf(await get(site, '/operator', other));
  expect(await post(site, '/sign-out', { csrf: 'x' }, { cookie: other })).toMatchObject({
    status: 403,
  });
  await post(site, '/sign-out', { csrf }, { cookie: other });
  expect(await get(site, '/operator', other)).toMatchObject({ status: 303 });
});

test('an action needs the token of the session and the scope, and happens once', async () => {
  const { db, world } = site.api;
  const cookie = await signedIn(site);
  const csrf = csrfOf(await get(site, '/operator', cookie));
  const form = {
    kind: 'credit',
    account: 'broke',
    amount: '3.00',
    reason: 'sorry',
    action_id: 'page-00000000-0000-4000-8000-000000000001',
  };
  expect(await post(site, '/operator/actions', form, { cookie })).toMatchObject({ status: 403 });
  for (const _ of [1, 2]) {
    const done = await post(site, '/operator/actions', { ...form, csrf }, { cookie });
    expect(done).toMatchObject({ status: 303 });
  }
  const entries = await db
    .selectFrom('ledger_entry')
    .select(['amount_cents', 'actor'])
    .where('account_id', '=', 'broke')
    .where('book', '=', 'credit')
    .execute();
  expect(entries).toEqual([{ amount_cents: 300n, actor: 'alice' }]);

  const key = await issueOperatorKey(db, world.clock(), { scopes: ['read'], label: 'reads' });
  const reader = cookieOf(await post(site, '/sign-in', { key: key.secret }));
  const token = csrfOf(await get(site, '/operator', reader));
  const refused = await post(
    site,
    '/operator/actions',
    { ...form, csrf: token },
    { cookie: reader },
  );
  expect(refused).toMatchObject({ status: 403 });
});

test('a retried event that is still wrong stays, with what became of it', async () => {
  const cookie = await signedIn(site);
  const csrf = csrfOf(await get(site, '/operator', cookie));
  const { digest } = await site.api.db
    .selectFrom('quarantined_event')
    .select('digest')
    .executeTakeFirstOrThrow();
  const action_id = 'page-00000000-0000-4000-8000-000000000002';
  const account = 'acme';
  const form = { kind: 'retry_quarantined', account, digest: digest.toString('hex'), action_id };
  const done = await post(site, '/operator/actions', { ...form, csrf }, { cookie });
  const shown = await get(site, String(done.headers.location), cookie);
  expect(shown.body).toContain('it is still refused: ');
  const parked = { kind: 'retry_parked', account, source: '"controller" <2>', event: 'e-3' };
  const id = 'page-00000000-0000-4000-8000-000000000003';
  const again = await post(
    site,
    '/operator/actions',
    { ...parked, csrf, action_id: id },
    { cookie },
  );
  const waiting = await get(site, String(again.headers.location), cookie);
  expect(waiting.body).toContain('it still waits for database \u2068later-db\u2069.');
});

test('what a browser has already is not sent again while it is still so', async () => {
  const cookie = await signedIn(site, 'hobby');
  const first = await get(site, '/account/hobby', cookie);
  expect(first.headers['cache-control']).toBe('private, no-cache');
  const again = async (url: string): Promise<unknown> => {
    const headers = { cookie, 'if-none-match': String(first.headers['etag']) };
    return await site.api.call({ url, headers });
  };
  expect(await again('/account/hobby')).toMatchObject({ status: 304 });
  expect(await again('/account/hobby?levels=1&what=new-app&replicas=1&size=0.5')).toMatchObject({
    status: 200,
  });
});

test('pages allow nothing inline, and their files are kept for ever', async () => {
  const { headers, body } = await get(site, '/sign-in');
  expect(headers['content-security-policy']).not.toContain('unsafe');
  expect(String(body)).not.toMatch(/ style=|<style|<script(?! src)| on\w+=/);
  const css = /href="(\/assets\/[^"]+\.css)"/.exec(String(body))![1]!;
  expect((await get(site, css)).headers['cache-control']).toContain('immutable');
});
