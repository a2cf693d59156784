import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPlatform, type Platform } from './support/platform.ts';
import { release0150 } from './support/release-0.15.0.ts';
import { release1161 } from './support/release-1.16.1.ts';
import { NOT_AUTHORIZED } from './support/terminal.ts';

let platform: Platform;
beforeAll(async () => {
  platform = await openPlatform();
});
afterAll(async () => await platform.close());

const PASSWORD = 'correct horse: 100% battery';
const code = (email: string) => async (): Promise<string> =>
  (await platform.mail('email.confirmation_code', email))['code']!;

test('0.15.0: signup, login, account; a free account without a card, unconfirmed', async () => {
  const cli = release0150(platform.host);
  await cli.signup('first@acme.example', PASSWORD);
  await cli.login('first@acme.example', PASSWORD);
  expect(await cli.account()).toEqual({
    email: 'first@acme.example',
    tier: 'FREE',
    credit_cents: 0,
  });
  expect(platform.api.world.stripe.state()['customer']).toEqual([]);
  await expect(cli.create()).rejects.toThrow(/not confirmed/);
  const { token } = await platform.mail('email.confirm_email', 'first@acme.example');
  const path = '/api/users/confirm_email';
  await cli.terminal.expect(200, { method: 'POST', path, json: { token } });
  expect(await cli.create()).toMatch(/^[a-z]+-[a-z]+-\d+$/);
});

test('1.16.1: signup in steps gives a confirmed account and its key', async () => {
  const cli = release1161(platform.host);
  const email = 'second@acme.example';
  await cli.signup(email, PASSWORD, code(email));
  expect(await cli.account()).toEqual({ email, tier: 'FREE', credit_cents: 0 });
  expect(await cli.create('second')).toBe('second');
});

test('1.16.1: signup to the standard tier sets the card and upgrades', async () => {
  const cli = release1161(platform.host);
  const email = 'third@acme.example';
  await cli.signup(email, PASSWORD, code(email), 'tok_visa');
  expect(await cli.account()).toMatchObject({ tier: 'STANDARD' });
  expect(await cli.paymentMethod()).toMatchObject({ brand: 'visa', last4: '4242' });
});

test('1.16.1: a step that fails can be repeated; a sign-up is good once', async () => {
  const cli = release1161(platform.host);
  const email = 'steps@acme.example';
  const { uuid } = await cli.step({ email });
  await expect(cli.step({ password: PASSWORD, uuid })).rejects.toMatchObject({ status: 422 });
  await expect(cli.step({ confirmation_code: 'nonsense', uuid })).rejects.toMatchObject({
    status: 422,
  });
  await cli.step({ confirmation_code: await code(email)(), uuid });
  await expect(cli.step({ password: 'short', uuid })).rejects.toThrow(/6 to 200 characters/);
  await cli.step({ password: PASSWORD, uuid });
  await expect(cli.step({ promo_code: 'SAVE10', uuid })).rejects.toMatchObject({ status: 422 });
  await expect(cli.step({ stripe_token: 'tok_visa_chargeDeclined', uuid })).rejects.toMatchObject({
    status: 422,
  });
  await expect(cli.step({ tier: 'STANDARD', uuid })).rejects.toThrow(/payment method/);
  expect(await cli.step({ tier: 'FREE', uuid })).toMatchObject({ email });
  await expect(cli.step({ tier: 'FREE', uuid })).rejects.toThrow(/begin the sign-up again/);
  await cli.login(email, PASSWORD);
});

test('a code can be guessed five times, also by guesses sent at once', async () => {
  const cli = release1161(platform.host);
  const email = 'guessed@acme.example';
  const { uuid } = await cli.step({ email });
  const wrong = (await code(email)()) === '000000' ? '000001' : '000000';
  const guess = async (): Promise<number> =>
    (
      await cli.terminal.send({
        method: 'POST',
        path: '/api/signup',
        json: { confirmation_code: wrong, uuid },
      })
    ).status;
  const statuses = await Promise.all(Array.from({ length: 8 }, guess));
  expect(statuses.filter((status) => status === 422)).toHaveLength(5);
  expect(statuses.filter((status) => status === 429)).toHaveLength(3);
  await expect(cli.step({ confirmation_code: await code(email)(), uuid })).rejects.toMatchObject({
    status: 429,
  });
});

test('sign-ups for one address are limited, and old ones are worth nothing', async () => {
  const cli = release1161(platform.host);
  const email = 'many@acme.example';
  const { uuid } = await cli.step({ email });
  for (let count = 1; count < 5; count += 1) await cli.step({ email });
  await expect(cli.step({ email })).rejects.toMatchObject({ status: 429 });
  await platform.pass({ hours: 25 });
  await expect(cli.step({ confirmation_code: '000000', uuid })).rejects.toThrow(/begin/);
});

test('an address has one account, whatever its case and whoever signs up at once', async () => {
  const old = release0150(platform.host);
  const today = release1161(platform.host);
  await old.signup('Only@acme.example', PASSWORD);
  await expect(old.signup('only@ACME.example', PASSWORD)).rejects.toThrow(
    'email has already been taken',
  );
  await expect(today.step({ email: 'ONLY@acme.example' })).rejects.toMatchObject({
    message: '{"errors":{"email":["has already been taken"]}}',
  });
  const json = { email: 'racing@acme.example', password: PASSWORD };
  const statuses = await Promise.all(
    [0, 1, 2].map(
      async () =>
        (await old.terminal.send({ method: 'POST', path: '/api/free_users', json })).status,
    ),
  );
  expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 422, 422]);
});

test('what is no address or no password is refused with a text', async () => {
  const cli = release0150(platform.host);
  await expect(cli.signup('nonsense', PASSWORD)).rejects.toThrow('email must be an e-mail address');
  await expect(cli.signup('a@b.example', 'short')).rejects.toMatchObject({
    message: '{"errors":{"password":["must have 6 to 200 characters"]}}',
  });
  await expect(cli.login('nobody@acme.example', PASSWORD)).rejects.toThrow(NOT_AUTHORIZED);
});

test('public calls ignore a bad Authorization header', async () => {
  for (const cli of [release0150(platform.host), release1161(platform.host)]) {
    cli.terminal.netrc = ['first@acme.example', 'gm_nonsense'];
    await cli.sendResetPasswordToken('first@acme.example');
    await cli.sendEmailConfirmationToken('first@acme.example');
  }
  const cli = release0150(platform.host);
  cli.terminal.netrc = ['nobody', ''];
  await cli.signup('netrc@acme.example', PASSWORD);
});

test('each login issues another key; a reset ends all of them at once', async () => {
  const email = 'keys@acme.example';
  const old = release0150(platform.host);
  const today = release1161(platform.host);
  await old.signup(email, PASSWORD);
  await old.login(email, PASSWORD);
  await today.login(email, PASSWORD);
  await old.account();
  await today.account();
  await expect(today.resetApiKey('wrong password')).rejects.toMatchObject({ status: 422 });
  await today.resetApiKey(PASSWORD);
  await today.account();
  await expect(old.account()).rejects.toThrow(NOT_AUTHORIZED);
  await old.resetApiKey(email, PASSWORD);
  await old.account();
  await expect(today.account()).rejects.toThrow(NOT_AUTHORIZED);
  await expect(old.resetApiKey(email, 'wrong password')).rejects.toThrow(NOT_AUTHORIZED);
});

test('change_password and account:password:change', async () => {
  const email = 'change@acme.example';
  const old = release0150(platform.host);
  const today = release1161(platform.host);
  await old.signup(email, PASSWORD);
  await old.login(email, PASSWORD);
  await expect(old.changePassword(email, 'wrong password', 'next one')).rejects.toThrow(
    NOT_AUTHORIZED,
  );
  await old.changePassword(email, PASSWORD, 'the next one');
  await old.account();
  await today.login(email, 'the next one');
  await expect(today.changePassword('wrong password', 'another')).rejects.toMatchObject({
    message: expect.stringContaining('current_password'),
  });
  await today.changePassword('the next one', 'a%40b:c');
  await today.login(email, 'a%40b:c');
  await old.login(email, 'a%40b:c');
  await expect(today.login(email, 'the next one')).rejects.toThrow(NOT_AUTHORIZED);
});

test('a forgotten password is set by a token from the mailbox, once, within an hour', async () => {
  const email = 'forgot@acme.example';
  const old = release0150(platform.host);
  const today = release1161(platform.host);
  await old.signup(email, PASSWORD);
  await old.login(email, PASSWORD);
  await old.sendResetPasswordToken(email.toUpperCase());
  const { token } = await platform.mail('email.reset_password', email);
  await expect(old.setPassword('nonsense', 'a new one')).rejects.toMatchObject({
    message: '{"errors":{"token":["is unknown, used already or expired"]}}',
  });
  await old.setPassword(token!, 'a new one');
  await expect(old.account()).rejects.toThrow(NOT_AUTHORIZED);
  await today.login(email, 'a new one');
  await expect(today.setPassword(token!, 'a third one')).rejects.toMatchObject({ status: 422 });
  await today.sendResetPasswordToken(email);
  const late = await platform.mail('email.reset_password', email);
  await platform.pass({ hours: 1 });
  await expect(today.setPassword(late['token']!, 'a third one')).rejects.toMatchObject({
    status: 422,
  });
});

test('asking for a token tells nobody who has an account, and fills no mailbox', async () => {
  const { old, email, accountId } = await platform.member();
  await old.sendResetPasswordToken('nobody@acme.example');
  await old.sendEmailConfirmationToken('nobody@acme.example');
  await old.sendEmailConfirmationToken(email);
  for (let count = 0; count < 8; count += 1) await old.sendResetPasswordToken(email);
  expect(await platform.signals(accountId)).toEqual(
    Array.from({ length: 5 }, () => 'email.reset_password'),
  );
  await expect(old.sendResetPasswordToken('nonsense')).rejects.toThrow(
    'email must be an e-mail address',
  );
});

test('an account that an operator created logs in after a password reset', async () => {
  const { email } = await platform.member();
  const cli = release1161(platform.host);
  await cli.sendResetPasswordToken(email);
  const { token } = await platform.mail('email.reset_password', email);
  await cli.setPassword(token!, PASSWORD);
  await cli.login(email, PASSWORD);
  expect(await cli.account()).toMatchObject({ email });
});

test('account:destroy ends the account; its address is free again', async () => {
  const email = 'destroy@acme.example';
  const cli = release1161(platform.host);
  await cli.signup(email, PASSWORD, code(email));
  const accountId = await platform.accountOf(email);
  const app = await cli.create();
  await platform.report('app.deployed', { account: accountId, app, replicas: 1, size: 0.2 });
  await expect(cli.destroyAccount(email, 'wrong password')).rejects.toMatchObject({ status: 422 });
  await expect(cli.destroyAccount('other@acme.example', PASSWORD)).rejects.toMatchObject({
    status: 422,
  });
  await cli.destroyAccount(email, PASSWORD);
  await expect(cli.account()).rejects.toThrow(NOT_AUTHORIZED);
  await expect(cli.login(email, PASSWORD)).rejects.toThrow(NOT_AUTHORIZED);
  await platform.pass({ seconds: 1 });
  await cli.signup(email, PASSWORD, code(email));
  expect(await cli.apps()).toEqual([]);
  const { level } = await platform.db
    .selectFrom('series')
    .select('level')
    .where('account_id', '=', accountId)
    .where('resource', '=', app)
    .executeTakeFirstOrThrow();
  expect(level).toBe(0n);
});

test('a key is good for 365 days, for its own address and for no operator', async () => {
  const { old, today, email } = await platform.member();
  const key = old.terminal.netrc![1];
  today.terminal.netrc = ['first@acme.example', key];
  await expect(today.account()).rejects.toThrow(NOT_AUTHORIZED);
  today.terminal.netrc = [email.toUpperCase(), key];
  await today.account();
  today.terminal.netrc = [email, platform.api.keys.admin];
  await expect(today.account()).rejects.toThrow(NOT_AUTHORIZED);
  await platform.pass({ hours: 365 * 24 - 1 });
  await old.account();
  await platform.pass({ hours: 1 });
  await expect(old.account()).rejects.toThrow(NOT_AUTHORIZED);
});
