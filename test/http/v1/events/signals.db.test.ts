import { afterAll, beforeAll, expect, test } from 'vitest';
import { acknowledgeSignals } from '../../../../src/accounts/signal-feed.ts';
import { addSignals, NO_ACCOUNT } from '../../../../src/accounts/signals.ts';
import { release1161 } from '../../api/support/release-1.16.1.ts';
import { openApi, type Api } from '../../support/api.ts';

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(async () => await api.close());

type Signal = { account: string | null; signal_id: string; kind: string; details: object };

async function waiting(limit = 100): Promise<Signal[]> {
  const { status, body } = await api.call({
    url: `/v1/signals?limit=${limit}`,
    key: api.keys.admin,
  });
  expect(status).toBe(200);
  return body.signals;
}

async function acknowledge(signals: readonly Signal[]): Promise<number> {
  const body = { signals: signals.map(({ account, signal_id }) => ({ account, signal_id })) };
  const request = { method: 'POST', url: '/v1/signals/acknowledge', body } as const;
  const answer = await api.call({ ...request, key: api.keys.admin });
  expect(answer.status).toBe(200);
  return answer.body.acknowledged;
}

test('whoever signs up with the command line gets the code by the platform’s mailer', async () => {
  const cli = release1161(await api.server.listen({ host: '127.0.0.1', port: 0 }));
  const email = 'new@acme.example';
  const readCode = async (): Promise<string> => {
    const [signal] = await waiting();
    expect(signal).toMatchObject({ kind: 'email.confirmation_code', details: { email } });
    expect(await acknowledge([signal!])).toBe(1);
    return (signal!.details as { code: string }).code;
  };
  await cli.signup(email, 'correct horse', readCode);
  const app = await cli.create();
  expect(await waiting()).toMatchObject([{ kind: 'app.create_requested', details: { app } }]);
  await cli.scale(app, { replicas: 0 });
  await cli.scale(app, { replicas: 1 });
  const asked = await waiting();
  expect(asked.map(({ kind }) => kind)).toEqual([
    'app.create_requested',
    'app.scale_requested',
    'app.scale_requested',
  ]);
  expect(asked.at(-1)).toMatchObject({ details: { replicas: 1 } });
  expect(await acknowledge(asked)).toBe(3);
});

test('a signal is listed until it is acknowledged, once, and its secrets are forgotten then', async () => {
  const { db, world } = api;
  const details = { email: 'a@b.example', token: 'secret-token', expires_at: 'soon' };
  await addSignals(db, world.clock(), [
    { accountId: 'acme', kind: 'email.reset_password', details },
    { accountId: NO_ACCOUNT, kind: 'source.silent', details: { source: 's' } },
  ]);
  await world.pass({ seconds: 1 });
  await addSignals(db, world.clock(), [{ accountId: 'acme', kind: 'later', details: {} }]);
  const listed = await waiting();
  expect(listed).toHaveLength(3);
  expect(listed.at(-1)).toMatchObject({ account: 'acme', kind: 'later' });
  expect(listed).toContainEqual(expect.objectContaining({ account: null, kind: 'source.silent' }));
  const [first] = await waiting(1);
  expect(first).toEqual(listed[0]);
  const reset = listed.find(({ kind }) => kind === 'email.reset_password')!;
  expect(reset.details).toEqual(details);
  // The same id of another account is another signal.
  expect(await acknowledge([{ ...reset, account: 'other' }])).toBe(0);
  expect(await Promise.all([acknowledge([reset]), acknowledge([reset])])).toContain(1);
  expect(await acknowledge([reset])).toBe(0);
  expect(await waiting()).toEqual(listed.filter((one) => one !== reset));
  const { details: kept } = await db
    .selectFrom('signal')
    .select('details')
    .where('kind', '=', 'email.reset_password')
    .executeTakeFirstOrThrow();
  expect(kept).toEqual({ email: details.email, expires_at: details.expires_at });
  expect(await acknowledgeSignals(db, world.clock(), [])).toBe(0);
});
