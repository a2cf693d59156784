import { afterAll, beforeAll, expect, test } from 'vitest';
import { reporter } from '../../../support/reports.ts';
import { openApi, type Api } from '../../support/api.ts';

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(async () => await api.close());

const account = 'acme';
const say = reporter();
const at = '2026-02-10T00:30:00Z';

async function resources() {
  return await api.call({ url: `/v1/accounts/${account}/resources`, key: api.keys.read });
}

test('what an account runs is shown with what the free tier has to say of it', async () => {
  expect(await resources()).toMatchObject({ status: 404, body: { code: 'account_unknown' } });
  const body = [
    say('account.created', at, { account, email: 'owner@acme.example' }),
    say('app.created', at, { account, app: 'new' }),
    say('app.deployed', at, { account, app: 'web', replicas: 3, size: 0.5 }),
    say('database.available', at, { account, app: 'web', database: 'db1', size: 0.6 }),
    say('database.rows_observed', at, { account, database: 'db1', rows: 10_001 }),
    say('database.available', at, { account, app: 'new', database: 'db2', size: 4 }),
    say('database.deleted', '2026-02-10T00:40:00Z', { account, database: 'db2' }),
  ];
  await api.call({ method: 'POST', url: '/v1/events', key: api.keys.ingest, body });
  expect((await resources()).body).toEqual({
    apps: [
      { app: 'new', replicas: 0, size: 0.2, deployed: false },
      { app: 'web', replicas: 3, size: 0.5, deployed: true },
    ],
    databases: [
      { database: 'db1', app: 'web', size: 0.6, state: 'AVAILABLE', limited_at: at },
      { database: 'db2', app: 'new', size: 4, state: 'DELETED', limited_at: null },
    ],
  });
});

test('a deleted account runs nothing any more', async () => {
  const body = say('account.deleted', '2026-02-10T00:50:00Z', { account });
  await api.call({ method: 'POST', url: '/v1/events', key: api.keys.ingest, body });
  const { body: left } = await resources();
  expect(left.apps).toEqual([]);
  expect(left.databases).toMatchObject([
    { database: 'db1', state: 'DELETED', limited_at: null },
    { database: 'db2', state: 'DELETED' },
  ]);
});
