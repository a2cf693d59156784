import { afterAll, beforeAll, expect, test } from 'vitest';
import { lockAccounts } from '../../src/accounts/lock.ts';
import { reporter } from '../support/reports.ts';
import { openApi, type Api } from './support/api.ts';

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(async () => await api.close());

/** More than there are connections for commands. */
const COMMANDS = 12;

test('commands that wait for a busy account hold up no key and no report, and give up by themselves', async () => {
  const { db, keys, call } = api;
  for (const account of ['busy', 'idle']) {
    const body = { account, email: `${account}@a.example` };
    await call({ method: 'POST', url: '/v1/accounts', key: keys.admin, body });
  }
  await db.transaction().execute(async (tx) => {
    await lockAccounts(tx, ['busy']);
    const confirm = { method: 'POST', url: '/v1/accounts/busy/confirm', key: keys.admin } as const;
    const commands = Array.from({ length: COMMANDS }, async () => await call(confirm));
    expect(await call({ url: '/readyz' })).toMatchObject({ status: 200 });
    const read = await call({ url: '/v1/accounts/busy/usage', key: keys.read });
    expect(read.status).toBe(200);
    const body = reporter()('app.created', '2026-02-10T01:00:00Z', { account: 'idle', app: 'web' });
    const reported = await call({ method: 'POST', url: '/v1/events', key: keys.ingest, body });
    expect(reported.body).toMatchObject({ recorded: 1 });
    for (const { status, headers, body: refused } of await Promise.all(commands)) {
      expect([status, headers['retry-after']]).toEqual([503, '5']);
      // The last ones may not even have had a connection in time.
      expect(['account_busy', 'database_unavailable']).toContain(refused.code);
    }
  });
  const confirm = { method: 'POST', url: '/v1/accounts/busy/confirm', key: keys.admin } as const;
  expect(await call(confirm)).toMatchObject({ status: 200 });
});
