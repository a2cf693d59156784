import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectSource } from '../../../src/sources/source-store.ts';
import { beginSilences } from '../../../src/sources/silence/silence-store.ts';
import { reporter } from '../../support/reports.ts';
import { openApi, type Api } from '../support/api.ts';

let api: Api;
beforeAll(async () => {
  api = await openApi();
});
afterAll(async () => await api.close());

async function scrape(): Promise<string> {
  const { status, body, headers } = await api.call({ url: '/v1/metrics', key: api.keys.admin });
  expect(status).toBe(200);
  expect(headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
  return String(body);
}

test('Prometheus finds what an alarm should watch, as it is at that moment', async () => {
  const { db, world, keys } = api;
  const calm = await scrape();
  expect(calm).toContain('gigameter_events_parked 0\n');
  expect(calm).not.toContain('gigameter_source_silent_seconds{');
  expect(calm).toContain('process_resident_memory_bytes');
  const say = reporter('a "quiet" source');
  const body = [
    say('app.deleted', '2026-02-09T00:00:00Z', { account: 'nobody', app: 'web' }),
    say('account.created', '2026-01-10T00:00:00Z', { account: 'a', email: 'a@b.example' }),
  ];
  await api.call({ method: 'POST', url: '/v1/events', key: keys.ingest, body });
  await expectSource(db, world.clock(), {
    source: 'a "quiet" source',
    expectedEverySeconds: 60,
    policy: 'hold',
  });
  await world.pass({ hours: 1 });
  await beginSilences(db, world.clock());
  const troubled = await scrape();
  expect(troubled).toContain('gigameter_events_parked 1\n');
  expect(troubled).toContain(
    'gigameter_source_silent_seconds{source="a \\"quiet\\" source"} 3540\n',
  );
  // Its period ended an hour before the clock began, and an hour has passed since.
  expect(troubled).toContain('gigameter_periods_overdue_seconds 7200\n');
});
