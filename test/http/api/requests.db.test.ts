import fc from 'fast-check';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { issueAccountKey } from '../../../src/accounts/api-key-store.ts';
import { BAD_BODIES } from '../support/bad-bodies.ts';
import { dumpTables } from '../support/dump.ts';
import { openPlatform, type Member, type Platform } from './support/platform.ts';
import {
  CONTRACT,
  isByPassword,
  isPublic,
  requestFor,
  routesOfApi,
  type ApiRoute,
} from './support/routes.ts';
import { basic, openTerminal } from './support/terminal.ts';

let platform: Platform;
let routes: readonly ApiRoute[];
let victim: Member & { app: string; id: string };
const logged: string[] = [];

beforeAll(async () => {
  const log = pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) });
  platform = await openPlatform({ log });
  const { db, clock } = platform;
  const limits = { maxReplicas: 1000 };
  const plenty = { operatorKey: 1, accountKey: 1, refusedAddress: 5 };
  routes = await routesOfApi({
    keysDb: db,
    commands: { db, clock, limits, record: async () => [] },
    readAs: async (_accountId, work) => await work(db),
    rateLimits: plenty,
    openStripe: () => platform.api.world.context,
  });
  const member = await platform.member();
  const app = await member.old.create();
  await member.old.createDatabase(app);
  const [{ id }] = await member.old.databases(app);
  victim = { ...member, app, id };
});
afterAll(async () => await platform.close());

async function call(route: ApiRoute, authorization?: string) {
  const { method, path, json } = requestFor(route, victim.app, victim.id);
  return await platform.api.call({
    method,
    url: path,
    headers: {
      'content-type': 'application/json',
      ...(authorization === undefined ? {} : { authorization }),
    },
    ...(json === undefined ? {} : { body: json }),
  });
}

test('the table has every route of the contract, and none beside', () => {
  const named = routes.map(({ method, url }) => `${method} ${url}`);
  expect(named.toSorted()).toEqual(CONTRACT.toSorted());
  expect(routes.filter(({ isAnswerDescribed }) => !isAnswerDescribed)).toEqual([]);
});

test('queries that a command does not have are refused by name, and no answer may be cached', async () => {
  const authorization = basic(victim.email, victim.old.terminal.netrc![1]);
  for (const route of routes.filter(({ method }) => method === 'GET')) {
    if (isByPassword(route)) continue;
    const { path } = requestFor(route, victim.app, victim.id);
    const url = `${path}${path.includes('?') ? '&' : '?'}unexpected=1`;
    const answer = await platform.api.call({ url, headers: { authorization } });
    expect([url, answer.status]).toEqual([url, 422]);
    expect([url, answer.headers['cache-control']]).toEqual([url, 'no-store']);
  }
});

test('commands about what is not ours are answered with 404 and a text, whatever they send', async () => {
  const authorization = basic(victim.email, victim.old.terminal.netrc![1]);
  const headers = { authorization, 'content-type': 'application/json' };
  for (const url of [
    '/api/apps/x/configs',
    '/api/apps/x/domains',
    '/api/ssh_keys',
    '/api/users/mfa',
  ]) {
    for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'] as const) {
      for (const body of [undefined, { configs: { KEY: 'value' } }]) {
        const sent = method === 'GET' || body === undefined ? {} : { body };
        const answer = await platform.api.call({ method, url, headers, ...sent });
        expect([method, url, answer.status]).toEqual([method, url, 404]);
        expect(answer.body.errors['']).toEqual([expect.stringMatching(/gigameter has no/)]);
      }
    }
  }
});

test('no route but the public ones answers anything without a good key, or changes a row', async () => {
  const { email, accountId } = victim;
  const { secret: expired } = await issueAccountKey(
    platform.db,
    new Date(platform.clock().getTime() - 365 * 86_400_000),
    accountId,
    'expired',
  );
  const other = await platform.member();
  const good = victim.old.terminal.netrc![1];
  const before = await dumpTables(platform.db);
  const nobody = [undefined, 'Basic nonsense', 'Basic ====', `Bearer ${good}`, basic('', good)];
  const guessed = [basic(email, ''), basic(email, 'gm_nonsense'), basic(`${email}\0`, good)];
  const others = [
    basic(email, expired),
    basic(email, platform.api.keys.admin),
    basic(other.email, good),
    basic(email, 'secret-password'),
  ];
  for (const route of routes.filter((one) => !isPublic(one))) {
    // Passwords are slow by intention; no key is one, whoever's it is.
    const tried = [...nobody, ...guessed, ...(isByPassword(route) ? [] : others)];
    for (const authorization of tried) {
      const answer = await call(route, authorization);
      const what = `${route.method} ${route.url} ${authorization}`;
      expect([what, answer.status]).toEqual([what, 401]);
      expect(answer.body.errors['']).toEqual([expect.stringMatching(/\w+ \w+/)]);
      expect(JSON.stringify(answer.body)).not.toContain(victim.app);
    }
  }
  expect(await dumpTables(platform.db)).toEqual(before);
});

test('of another account’s app and database nobody sees or changes anything', async () => {
  const { today } = await platform.member();
  const before = await dumpTables(platform.db);
  for (const route of routes.filter(({ url }) => url.includes(':name'))) {
    const sent = requestFor(route, victim.app, victim.id);
    const { status, text } = await today.terminal.send(sent);
    expect([route.url, status]).toEqual([route.url, 404]);
    expect(text).not.toContain(victim.id);
  }
  expect(await dumpTables(platform.db)).toEqual(before);
});

test('public routes do not look at Authorization', async () => {
  for (const route of routes.filter(isPublic)) {
    expect((await call(route, basic('nobody', 'gm_nonsense'))).status, route.url).not.toBe(401);
  }
});

test('bodies that are no request at all are refused by every route, with a text', async () => {
  const authorization = basic(victim.email, victim.old.terminal.netrc![1]);
  const before = await dumpTables(platform.db);
  for (const route of routes.filter((one) => one.method !== 'GET' && !isByPassword(one))) {
    const { method, path } = requestFor(route, victim.app, victim.id);
    for (const [name, body] of Object.entries(BAD_BODIES)) {
      const headers = { 'content-type': 'application/json', authorization };
      const answer = await platform.api.call({ method, url: path, body, headers });
      const what = [method, route.url, name, answer.status];
      expect(what).toSatisfy(() => answer.status >= 400 && answer.status < 500);
      expect([what, JSON.stringify(answer.body.errors)]).toEqual([
        what,
        expect.stringMatching(/\w+ \w+/),
      ]);
      expect([what, JSON.stringify(answer.body.errors)]).toEqual([
        what,
        expect.not.stringMatching(/Invalid input|received|Too (small|big)|Unrecognized/),
      ]);
    }
  }
  expect(await dumpTables(platform.db)).toEqual(before);
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const form = { method: 'POST', url: '/api/free_users', body: 'email=a', headers } as const;
  expect((await platform.api.call(form)).status).toBe(415);
});

test('fields that a command does not have are refused by name', async () => {
  const json = { replicas: 1, price: 0 };
  await expect(victim.old.scale(victim.app, json)).rejects.toThrow(/price/);
  await expect(victim.old.scale(victim.app, { replicas: -1 })).rejects.toThrow(
    'must be a whole number from 0 on, not -1',
  );
});

test('whatever is sent, the answer is no fault of ours and can be read', async () => {
  const { today } = await platform.member();
  const app = await today.create();
  await today.createFreeDatabase(app);
  const [{ id }] = await today.databases(app);
  const fields = [
    ...new Set(routes.flatMap((route) => Object.keys(requestFor(route, app, id).json ?? {}))),
  ];
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom(
      2 ** 31,
      -1,
      Number.MAX_VALUE,
      0.1 + 0.2,
      '\0',
      '\ud800',
      '',
      '__proto__',
      [],
      {},
      null,
    ),
    fc.string({ unit: 'binary' }),
  );
  const body = fc.oneof(fc.dictionary(fc.constantFrom(...fields, 'x'), value), value);
  // Passwords are slow by intention, and the end of the account would end the test.
  const tried = routes.filter(
    (route) => !isByPassword(route) && !/destroy|password|free_users|regenerate/.test(route.url),
  );
  const { host } = platform;
  const name = fc.oneof(
    fc.constant(app),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...tried), body, name, async (route, json, named) => {
      const terminal = openTerminal(host, 'fuzz');
      terminal.netrc = today.terminal.netrc;
      const encoded = encodeURIComponent(named).replaceAll('.', '%2E');
      const { path } = requestFor(route, encoded, id);
      const sent = route.method === 'GET' ? {} : { json };
      const { status, text } = await terminal.send({ method: route.method, path, ...sent });
      expect([route.method, path, status]).toSatisfy(() => status < 500);
      expect(text.length).toBeGreaterThan(2);
    }),
    { numRuns: 150 },
  );
});

test('passwords, keys and tokens are in no log and no answer to others', async () => {
  const cli = victim.today;
  const canary = 'canary-password-1';
  await expect(cli.resetApiKey(canary)).rejects.toMatchObject({ status: 422 });
  await expect(cli.changePassword(canary, 'canary-password-2')).rejects.toMatchObject({
    status: 422,
  });
  await expect(cli.login(victim.email, 'canary-password-3')).rejects.toMatchObject({ status: 401 });
  await cli.terminal.send({
    method: 'GET',
    path: '/api/nonsense?current_password=canary-password-4',
  });
  await cli.terminal.send({
    method: 'PUT',
    path: '/api/payment_methods',
    json: { stripe_token: 'tok_canary-5' },
  });
  await cli.sendResetPasswordToken(victim.email);
  const { token } = await platform.mail('email.reset_password', victim.email);
  await cli.setPassword(token!, 'canary-password-6');
  const text = logged.join('\n');
  expect(text).not.toMatch(/canary-/);
  expect(text).not.toContain(token);
  expect(text).not.toContain(cli.terminal.netrc![1]);
  expect(text).not.toMatch(/gm_[\w-]{43}/);
});

test('too many wrong keys, passwords or sign-ups from one address are refused with 429', async () => {
  const limited = await openPlatform({
    rateLimits: { operatorKey: 1_000_000, accountKey: 20, refusedAddress: 10 },
  });
  try {
    const { old, email } = await limited.member();
    const wrong = openTerminal(limited.host, 'wrong');
    wrong.netrc = [email, 'gm_nonsense'];
    const statuses: number[] = [];
    for (let count = 0; count < 12; count += 1) {
      statuses.push((await wrong.send({ method: 'GET', path: '/api/users' })).status);
    }
    expect(statuses.filter((status) => status === 401)).toHaveLength(10);
    expect(statuses.slice(10)).toEqual([429, 429]);
    const logins: number[] = [];
    for (let count = 0; count < 4; count += 1) {
      const auth = [email, 'wrong password'] as const;
      logins.push((await wrong.send({ method: 'GET', path: '/api/login', auth })).status);
    }
    expect(logins).toEqual([401, 401, 429, 429]);
    // A good key is not counted with the wrong ones of its address, but has a limit of its own.
    const counted = await Promise.allSettled(
      Array.from({ length: 25 }, async () => await old.account()),
    );
    const refused = counted.flatMap((one) =>
      one.status === 'rejected' ? [one.reason.status] : [],
    );
    expect(refused).toEqual(Array.from({ length: 5 }, () => 429));
  } finally {
    await limited.close();
  }
});
