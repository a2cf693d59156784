import { afterAll, beforeAll, expect, test } from 'vitest';
import { invoicesCommand } from '../../../src/cli/bills/invoices.ts';
import { usageCommand } from '../../../src/cli/bills/usage.ts';
import { eventParser } from '../../../src/events/parse-event.ts';
import { closeDuePeriods } from '../../../src/invoicing/close-periods.ts';
import { makeSignInLink } from '../../../src/login/sign-in-link.ts';
import { recorderWithin } from '../../../src/metering/record-events.ts';
import { platformRecording } from '../../../src/platform/recording.ts';
import { noteHeard } from '../../../src/sources/heard.ts';
import { expectSource, type Policy } from '../../../src/sources/source-store.ts';
import { watchSilence } from '../../../src/sources/silence/watch-silence.ts';
import { formatSecond, toSecond } from '../../../src/values/instant.ts';
import { openApi, type Api } from '../../http/support/api.ts';
import { reporter } from '../../support/reports.ts';

const START = '2026-01-01T00:00:00Z';
const recording = platformRecording(eventParser(1000));
let api: Api;

beforeAll(async () => {
  api = await openApi();
});
afterAll(async () => await api.close());

/** An account in STANDARD since 1 January, with one app that its source deployed; reports are due every day. */
async function runBy(source: string, policy: Policy): Promise<string> {
  const account = `run-by-${source}`;
  const say = reporter(source);
  const body = [
    say('account.created', START, { account, email: 'o@sources.example' }),
    say('account.upgraded', START, { account }),
    say('app.deployed', START, { account, app: 'web', replicas: 1, size: 1 }),
  ];
  await api.call({ method: 'POST', url: '/v1/events', key: api.keys.ingest, body });
  await noteHeard(api.db, api.world.clock(), [source]);
  await expectSource(api.db, api.world.clock(), { source, expectedEverySeconds: 86_400, policy });
  return account;
}

async function watch(): Promise<void> {
  await watchSilence({ db: api.db, record: recorderWithin(recording) }, api.world.clock());
}

async function closeAll(): Promise<void> {
  await closeDuePeriods(api.db, api.world.clock(), {
    graceSeconds: 0n,
    onFailure: (_account, error) => {
      throw error;
    },
  });
}

async function read(account: string, what: string) {
  const url = `/v1/accounts/${account}/${what}`;
  const { status, body } = await api.call({ url, key: await api.accountKey(account) });
  expect(status).toBe(200);
  return body;
}

async function page(path: string): Promise<string> {
  const { path: link } = await makeSignInLink(api.db, api.world.clock(), {
    accountId: undefined,
    actor: 'alice',
  });
  const signedIn = await api.call({
    method: 'POST',
    url: '/sign-in/link',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `token=${new URL(link, 'http://localhost').searchParams.get('token')}`,
  });
  const cookie = String(signedIn.headers['set-cookie']).split(';')[0]!;
  return String((await api.call({ url: path, headers: { cookie } })).body);
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

test('flag: bills, previews and invoices of the time say which source did not confirm them, and from when to when', async () => {
  const [flagged, held] = [await runBy('quiet', 'flag'), await runBy('still', 'hold')];
  const silence = { source: 'quiet', from: '2026-02-11T01:00:00Z' };
  expect(await read(flagged, 'usage')).toMatchObject({ unconfirmed: [] });

  // To 20 February: both have been silent since the 11th.
  await api.world.pass({ hours: 240 });
  await watch();
  const open = [{ ...silence, to: null }];
  for (const what of ['usage', 'forecast']) {
    expect(await read(flagged, what)).toMatchObject({ unconfirmed: open });
    expect(await read(held, what)).toMatchObject({ unconfirmed: [] });
  }
  expect(
    await read(flagged, 'usage?from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z'),
  ).toMatchObject({
    unconfirmed: [],
  });
  const { db, world } = api;
  expect(
    await printed(
      async (output) => await usageCommand({ db, output, now: world.clock() }, flagged, {}),
    ),
  ).toContain('Not confirmed: source "quiet" reported nothing from 2026-02-11T01:00:00Z until now');
  expect(await page(`/account/${flagged}`)).toContain('Not confirmed');
  expect(await page(`/account/${held}`)).not.toContain('Not confirmed');

  // To 2 March. January's invoice is as it would be; February's bears the mark, whatever is heard later.
  await api.world.pass({ hours: 240 });
  await closeAll();
  const { invoices } = await read(flagged, 'invoices');
  const [january, february] = invoices;
  const shown = { total_cents: 4516, unconfirmed: open };
  expect(await read(flagged, `invoices/${february.invoice_id}`)).toMatchObject(shown);
  await noteHeard(db, world.clock(), ['quiet']);
  await api.world.pass({ seconds: 61 });
  await watch();
  const told = [{ ...silence, to: '2026-03-02T01:00:00Z' }];
  expect(await read(flagged, `invoices/${january.invoice_id}`)).toMatchObject({ unconfirmed: [] });
  expect(await read(flagged, `invoices/${february.invoice_id}`)).toMatchObject(shown);
  expect(await read(flagged, 'preview')).toMatchObject({ invoices: [{ unconfirmed: told }] });
  expect(
    await printed(async (output) => await invoicesCommand({ db, output }, flagged, {})),
  ).toMatch(
    /^Invoice from 2026-02-01T\S+: .* reported nothing from 2026-02-11T01:00:00Z until the invoice was made/m,
  );
  expect(await page(`/account/${flagged}/invoices/${february.invoice_id}`)).toContain(
    'Not confirmed',
  );
  expect(await page(`/account/${flagged}/invoices/${january.invoice_id}`)).not.toContain(
    'Not confirmed',
  );
});

test("an operator's page and GET /v1/sources say which sources are silent and since when", async () => {
  await runBy('lost', 'hold');
  const overdueAt = toSecond(api.world.clock()) + 86_400n;
  await api.world.pass({ hours: 48 });
  await watch();
  const { body } = await api.call({ url: '/v1/sources', key: api.keys.admin });
  expect(body.sources).toContainEqual(
    expect.objectContaining({ source: 'lost', silent_since: formatSecond(overdueAt) }),
  );
  expect(await page('/operator')).toMatch(/Source.*lost.*has been silent since/s);
});
