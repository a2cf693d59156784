import { afterAll, beforeAll, expect, test } from 'vitest';
import { reporter } from '../../../support/reports.ts';
import { openApi, type Api } from '../../support/api.ts';

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(async () => await api.close());

const report = reporter();

test('a batch is answered with what became of each event', async () => {
  const { keys, call } = api;
  const created = report('account.created', '2026-01-10T00:00:00Z', {
    account: 'acme',
    email: 'a@acme.example',
  });
  const body = [
    created,
    report('app.deployed', '2026-01-11T00:00:00Z', {
      account: 'acme',
      app: 'web',
      replicas: 1,
      size: 0.5,
    }),
    created,
    report('app.deleted', '2026-01-12T00:00:00Z', { account: 'acme', app: 'nowhere' }),
    report('app.scaled', '2026-01-12T00:00:00Z', {
      account: 'acme',
      app: 'web',
      replicas: 1.5,
      size: 0.5,
    }),
  ];
  const answer = await call({ method: 'POST', url: '/v1/events', key: keys.ingest, body });
  expect(answer.status).toBe(200);
  expect(answer.body).toMatchObject({ recorded: 2, duplicate: 1, parked: 1, refused: 1 });
  expect(answer.body.outcomes).toMatchObject([
    { source: 'controller', id: 'e-1', status: 'recorded' },
    { id: 'e-2', status: 'recorded' },
    { id: 'e-1', status: 'duplicate' },
    { id: 'e-3', status: 'parked', waits_for: { kind: 'app', name: 'nowhere' } },
    {
      id: 'e-4',
      status: 'refused',
      reason: {
        code: 'invalid_event',
        field: 'data.replicas',
        value: '1.5',
        message: 'data.replicas is 1.5; it must be a whole number from 0 to 1000',
      },
    },
  ]);
});
