import { afterAll, beforeAll, expect, test } from 'vitest';
import { rebuildCommand } from '../../src/cli/proof.ts';
import { eventParser } from '../../src/events/parse-event.ts';
import { eventRecorder } from '../../src/metering/record-events.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { reporter } from '../support/reports.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await freshDatabase();
  const record = eventRecorder({ db: database.db, parse: eventParser(1000) });
  const say = reporter();
  const time = '2026-01-01T00:00:00Z';
  for (const account of ['acme', 'beta']) {
    await record(new Date('2026-02-01T00:00:00Z'), [
      say('account.created', time, { account, email: 'o@acme.example' }),
      say('app.deployed', time, { account, app: 'web', replicas: 1, size: 1 }),
    ]);
  }
});
afterAll(async () => await database.drop());

async function spoil(): Promise<void> {
  await database.pool.query(`update series set offset_units = offset_units + 5`);
}

type Options = Parameters<typeof rebuildCommand>[2];

async function rebuild(options: Options, account?: string) {
  const [data, notes]: string[][] = [[], []];
  const output = {
    data: (text: string) => void data!.push(text),
    note: (text: string) => void notes!.push(text),
  };
  const code = await rebuildCommand({ db: database.db, output }, account, options);
  return { code, text: data!.join('\n'), notes: notes!.join('\n') };
}

test('rebuild tells its progress and each difference, and ends with 8; once more it finds none and ends with 0', async () => {
  await spoil();
  const first = await rebuild({});
  expect(first.code).toBe(8);
  expect(first.text).toMatch(
    /^acme: series app web size 0 was 10 × t .+\nbeta: .+\n2 accounts, 2 differences$/,
  );
  expect(first.notes).toBe('2 accounts rebuilt so far');
  expect(await rebuild({})).toMatchObject({ code: 0, text: '2 accounts, 0 differences' });
});

test('a dry run tells the same and leaves it; one account may be asked for; JSON holds the numbers, too', async () => {
  await spoil();
  expect(await rebuild({ dryRun: true })).toMatchObject({
    code: 8,
    notes: '2 accounts compared so far',
  });
  const { code, text } = await rebuild({ json: true }, 'beta');
  expect(code).toBe(8);
  expect(JSON.parse(text)).toMatchObject({
    accounts: 1,
    differences: 1,
    drifts: [{ account: 'beta', what: 'series app web size 0' }],
  });
  expect(await rebuild({})).toMatchObject({ code: 8 });
  expect(await rebuild({})).toMatchObject({ code: 0 });
});
