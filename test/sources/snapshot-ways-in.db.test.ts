import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventParser } from '../../src/events/parse-event.ts';
import { eventRecorder, recorderWithin } from '../../src/metering/record-events.ts';
import { platformRecording } from '../../src/platform/recording.ts';
import {
  makeEventsQueue,
  startEventsWorker,
  type EventsResult,
} from '../../src/queue/events-queue.ts';
import { SNAPSHOT_JOB } from '../../src/queue/snapshot-job.ts';
import { parseSnapshot } from '../../src/sources/snapshots/snapshot-schema.ts';
import { openApi, type Answer, type Api } from '../http/support/api.ts';
import { dumpTables } from '../http/support/dump.ts';
import { gigameter, type Ran } from '../support/command.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { backends } from '../support/queues.ts';
import { reporter } from '../support/reports.ts';
import { until } from '../support/until.ts';

const recording = platformRecording(eventParser(1000));
const now = new Date('2020-03-01T00:00:00Z');
const START = '2020-01-01T00:00:00Z';

/** An account in STANDARD, and a source of its own that deployed 1 × 1.0 of it. */
async function running(db: TestDatabase['db'], source: string): Promise<string> {
  const account = `run by ${source}`;
  const say = reporter(source);
  await eventRecorder({ db, ...recording })(now, [
    say('account.created', START, { account, email: 'o@sources.example' }),
    say('account.upgraded', START, { account }),
    say('app.deployed', START, { account, app: 'web', replicas: 1, size: 1 }),
  ]);
  return account;
}

function snapshot(account: string, replicas: number) {
  const apps = [{ app: 'web', replicas, size: 1 }];
  return { taken_at: '2020-01-11T00:00:00Z', accounts: [{ account, apps }] };
}

const EMPTY = { taken_at: '2020-01-12T00:00:00Z', accounts: [] };
const EMPTY_REFUSED = /names 0 of the 1 resources that run; force it/;

/** Two replicas more than are metered, ten days on: 2 × 3600 and 2 × 864,000 RSS at $0.00001866786. */
const DRIFT = { replica_size: '2', usd_per_hour: '0.13440859', misbilled_usd: '32.25806208' };

describe('PUT /v1/snapshots/{source}', () => {
  let api: Api;
  beforeAll(async () => {
    api = await openApi();
  });
  afterAll(async () => await api.close());

  async function put(source: string, body: unknown, query = '', key = api.keys.ingest) {
    return await api.call({
      method: 'PUT',
      url: `/v1/snapshots/${source}${query}`,
      key,
      body,
    });
  }

  test('a dry run tells the drift and changes nothing; the snapshot itself corrects it, once', async () => {
    const account = await running(api.db, 'by-http');
    const before = await dumpTables(api.db);
    const dry = await put('by-http', snapshot(account, 3), '?dry_run=true');
    expect(dry).toMatchObject({
      status: 200,
      body: { dry_run: true, corrections: { recorded: 0 }, accounts: [{ account, ...DRIFT }] },
    });
    expect(await dumpTables(api.db)).toEqual(before);
    expect((await put('by-http', snapshot(account, 3))).body).toMatchObject({
      dry_run: false,
      corrections: { recorded: 1 },
      accounts: [{ account, ...DRIFT }],
    });
    expect((await put('by-http', snapshot(account, 3))).body).toMatchObject({
      corrections: { recorded: 0 },
      accounts: [],
    });
  });

  test('an empty one is refused unless forced; a dry run says so before', async () => {
    const account = await running(api.db, 'emptied');
    const before = await dumpTables(api.db);
    expectEmptyRefused(await put('emptied', EMPTY));
    expect((await put('emptied', EMPTY, '?dry_run=true')).body).toMatchObject({
      too_small: expect.stringMatching(EMPTY_REFUSED),
    });
    expect(await dumpTables(api.db)).toEqual(before);
    expect((await put('emptied', EMPTY, '?force=true')).body).toMatchObject({
      corrections: { recorded: 1 },
      accounts: [{ account, replica_size: '-1' }],
    });
  });

  test('it takes the key of a platform, and what it refuses it names', async () => {
    const account = await running(api.db, 'keyed');
    expect(await put('keyed', snapshot(account, 2), '', api.keys.read)).toMatchObject({
      status: 403,
    });
    expect(
      await put('keyed', snapshot(account, 2), '', await api.accountKey(account)),
    ).toMatchObject({ status: 403 });
    expect(await put('keyed', snapshot(account, 1.5))).toMatchObject({
      status: 422,
      body: { detail: expect.stringContaining('replicas') },
    });
    expect(await put('keyed', { ...EMPTY, accounts: [{ account }, { account }] })).toMatchObject({
      status: 422,
      body: { detail: expect.stringContaining('named twice') },
    });
    expect(await put('gigameter', snapshot(account, 2))).toMatchObject({ status: 422 });
  });

  function expectEmptyRefused({ status, body }: Answer): void {
    expect([status, body.code]).toEqual([409, 'snapshot_too_small']);
    expect(body.detail).toMatch(EMPTY_REFUSED);
  }
});

describe('the command and the queue', () => {
  let database: TestDatabase;
  let folder: string;
  beforeAll(async () => {
    database = await freshDatabase();
    folder = await mkdtemp(path.join(tmpdir(), 'gigameter-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
    await database.drop();
  });

  async function run(source: string, sent: unknown, ...options: string[]): Promise<Ran> {
    const file = path.join(folder, `${source}.json`);
    await writeFile(file, JSON.stringify(sent));
    return await gigameter(['snapshot', file, '--source', source, ...options], {
      DATABASE_URL: database.url,
    });
  }

  test('`gigameter snapshot` prints the drift of each account, and corrects it without --dry-run', async () => {
    const account = await running(database.db, 'by-command');
    const before = await dumpTables(database.db);
    const dry = await run('by-command', snapshot(account, 3), '--dry-run');
    expect(dry).toMatchObject({ code: 0 });
    expect(dry.stdout).toMatch(
      /^run by by-command +app web +1 × 1 +3 × 1 +0\.13440859 +32\.25806208$/m,
    );
    expect(dry.stdout).toContain('Nothing was changed: this was a dry run.');
    expect(await dumpTables(database.db)).toEqual(before);
    const done = await run('by-command', snapshot(account, 3), '--json');
    expect(JSON.parse(done.stdout)).toMatchObject({
      corrections: { recorded: 1 },
      accounts: [{ account, ...DRIFT }],
    });
  });

  test('`gigameter snapshot` refuses an empty one with exit code 4 unless forced', async () => {
    await running(database.db, 'emptied-by-command');
    const refused = await run('emptied-by-command', EMPTY);
    expect(refused.code).toBe(4);
    expect(refused.stderr).toMatch(EMPTY_REFUSED);
    const forced = await run('emptied-by-command', EMPTY, '--force');
    expect(forced.code).toBe(0);
    expect(forced.stdout).toContain('1 recorded');
    expect((await run('emptied-by-command', 7)).code).toBe(2);
  });

  describe.each(backends)('on $name', ({ name, connect }) => {
    test('a job applies its snapshot; one that is refused says why and does not fail', async () => {
      const source = `by-queue-on-${name}`;
      const account = await running(database.db, source);
      const queues = await connect(database.url);
      try {
        const { db } = database;
        startEventsWorker(queues, {
          record: eventRecorder({ db, ...recording }),
          clock: () => now,
          snapshots: { db, record: recorderWithin(recording), parse: parseSnapshot(1000) },
        });
        const queue = makeEventsQueue(queues);
        let told = '';
        const resultOf = async (data: unknown): Promise<EventsResult> => {
          const { id } = await queue.add(SNAPSHOT_JOB, data);
          return await until('the job is done', async () => {
            const job = await queue.getJob(id!);
            if (job?.finishedOn === undefined) return undefined;
            const { logs } = await queue.getJobLogs(id!);
            expect(logs).toHaveLength(1);
            told = logs[0]!;
            return job.returnvalue;
          });
        };
        const before = await dumpTables(database.db);
        expect(await resultOf({ source, ...snapshot(account, 3), dry_run: true })).toMatchObject({
          dry_run: true,
          corrections: { recorded: 0 },
          accounts: [{ account, ...DRIFT }],
        });
        expect(told).toBe(
          'dry run, nothing was changed; 1 accounts were off by 0.13440859 USD an hour in all',
        );
        expect(await dumpTables(database.db)).toEqual(before);
        expect(await resultOf({ source, ...snapshot(account, 3), dry_run: 'yes' })).toEqual({
          code: 'invalid_snapshot',
          snapshot_refused: 'dry_run must be true or false, not "yes"',
        });
        expect(await dumpTables(database.db)).toEqual(before);
        expect(await resultOf({ source, ...snapshot(account, 3) })).toMatchObject({
          corrections: { recorded: 1 },
          accounts: [{ account, ...DRIFT }],
          usd_per_hour: DRIFT.usd_per_hour,
          accounts_with_drift: 1,
        });
        expect(await resultOf({ source, ...EMPTY })).toEqual({
          code: 'snapshot_too_small',
          snapshot_refused: expect.stringMatching(EMPTY_REFUSED),
        });
        expect(await resultOf({ source, ...EMPTY, dry_run: true })).toMatchObject({
          too_small: expect.stringMatching(EMPTY_REFUSED),
        });
        expect(await resultOf(7)).toMatchObject({ code: 'invalid_snapshot' });
        expect(await resultOf({ source, ...EMPTY, force: true })).toMatchObject({
          corrections: { recorded: 1 },
        });
        await queue.obliterate({ force: true });
      } finally {
        await queues.close();
      }
    });
  });
});
