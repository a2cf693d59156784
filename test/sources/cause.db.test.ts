import { afterAll, beforeAll, expect, test } from 'vitest';
import { explainCommand } from '../../src/cli/bills/explain.ts';
import { traceCommand } from '../../src/cli/events/trace.ts';
import { eventParser } from '../../src/events/parse-event.ts';
import { closeDuePeriods } from '../../src/invoicing/close-periods.ts';
import { listInvoices } from '../../src/invoicing/list-invoices.ts';
import { recorderWithin } from '../../src/metering/record-events.ts';
import { platformRecording } from '../../src/platform/recording.ts';
import { causeOf } from '../../src/sources/cause.ts';
import { expectSource } from '../../src/sources/source-store.ts';
import { watchSilence } from '../../src/sources/silence/watch-silence.ts';
import { openApi, type Api } from '../http/support/api.ts';
import { reporter } from '../support/reports.ts';

const START = '2026-01-01T00:00:00Z';
const SOURCE = 'controller';
const ACCOUNT = 'acme';
const say = reporter(SOURCE);
let api: Api;

beforeAll(async () => {
  api = await openApi();
  await report(say('account.created', START, { account: ACCOUNT, email: 'o@acme.example' }));
  await report(say('account.upgraded', START, { account: ACCOUNT }));
  await report(say('app.deployed', START, { account: ACCOUNT, app: 'web', replicas: 1, size: 1 }));
});
afterAll(async () => await api.close());

async function report(body: unknown): Promise<void> {
  await api.call({ method: 'POST', url: '/v1/events', key: api.keys.ingest, body });
}

async function watch(): Promise<void> {
  const recording = platformRecording(eventParser(1000));
  await watchSilence({ db: api.db, record: recorderWithin(recording) }, api.world.clock());
}

/** The latest event about web. */
async function latestId(): Promise<string> {
  const { event_id: id } = await api.db
    .selectFrom('event')
    .select('event_id')
    .where('resource', '=', 'web')
    .orderBy('recording', 'desc')
    .limit(1)
    .executeTakeFirstOrThrow();
  return id;
}

async function getEvent(id: string) {
  const url = `/v1/events/${SOURCE}/${encodeURIComponent(id)}`;
  return (await api.call({ url, key: await api.accountKey(ACCOUNT) })).body;
}

async function printed(run: (output: Printer) => Promise<number>): Promise<string> {
  const lines: string[] = [];
  await run({ data: (text) => void lines.push(text), note: () => {} });
  return lines.join('\n');
}

type Printer = {
  readonly data: (text: string) => void;
  readonly note: (text: string) => void;
};

test('what a snapshot corrected says so: as an event, on the way to its invoice, and in its segments', async () => {
  const { db } = api;
  const corrected = {
    taken_at: '2026-01-11T00:00:00Z',
    accounts: [{ account: ACCOUNT, apps: [{ app: 'web', replicas: 3, size: 1 }] }],
  };
  const url = `/v1/snapshots/${SOURCE}`;
  await api.call({ method: 'PUT', url, key: api.keys.ingest, body: corrected });
  const id = await latestId();
  expect(await getEvent(id)).toMatchObject({ type: 'app.scaled', cause: 'snapshot' });
  expect(await getEvent('e-3')).not.toHaveProperty('cause');

  await closeDuePeriods(db, api.world.clock(), { graceSeconds: 0n, onFailure: console.error });
  const [{ invoiceId } = { invoiceId: '' }] = await listInvoices(db, ACCOUNT);
  const traced = await printed(
    async (output) =>
      await traceCommand({ db, output }, { account: ACCOUNT, source: SOURCE, id }, {}),
  );
  expect(traced).toContain("snapshot: so that the meter agrees with the source's snapshot");
  expect(traced).toContain(`billed by ${invoiceId}`);

  const lines = `/v1/accounts/${ACCOUNT}/invoices/${invoiceId}/lines/1/segments`;
  const { body } = await api.call({ url: lines, key: api.keys.read });
  expect(body.segments).toMatchObject([
    { replicas: 1, started_by: { id: 'e-3' }, ended_by: { id, cause: 'snapshot' } },
    { replicas: 3, started_by: { id, cause: 'snapshot' } },
  ]);
  expect(
    await printed(async (output) => await explainCommand({ db, output }, invoiceId, '1', {})),
  ).toMatch(/3 × 1 .*controller snapshot 2026-01-11T00:00:00Z/);
});

test('what ended with a silence and came back after it says so', async () => {
  await expectSource(api.db, api.world.clock(), {
    source: SOURCE,
    expectedEverySeconds: 600,
    policy: 'close',
  });
  await api.world.pass({ hours: 1 });
  await watch();
  expect(await getEvent(await latestId())).toMatchObject({ cause: 'silence' });
  await api.call({
    method: 'POST',
    url: `/v1/sources/${SOURCE}/heartbeat`,
    key: api.keys.ingest,
  });
  await api.world.pass({ seconds: 61 });
  await watch();
  expect(await getEvent(await latestId())).toMatchObject({ cause: 'heard_again' });
});

test.each(['snapshot', 'snapshot 2026-01-11T00:00:00Z 0 the-first', 'e-1'])(
  'an id of the platform, such as "%s", tells no cause',
  (id) => expect(causeOf(id)).toBeUndefined(),
);
