import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DOCUMENTED_PRICES } from '../../../src/pricing/price-book.ts';
import { gigameter, type Ran } from '../../support/command.ts';
import { freshDatabase, type TestDatabase } from '../../support/database.ts';
import { reporter } from '../../support/reports.ts';

let database: TestDatabase;
const folder = mkdtempSync(path.join(tmpdir(), 'prices-'));
const inFolder = (name: string, content: string): string => {
  const file = path.join(folder, name);
  writeFileSync(file, content);
  return file;
};
const say = reporter();
const account = 'acme';
const events = inFolder(
  'events.jsonl',
  [
    say('account.created', '2026-01-01T00:00:00Z', { account, email: 'owner@acme.example' }),
    say('account.upgraded', '2026-01-01T00:00:00Z', { account }),
    say('app.deployed', '2026-01-01T00:00:00Z', { account, app: 'web', replicas: 1, size: 0.5 }),
  ]
    .map((report) => JSON.stringify(report))
    .join('\n'),
);
/** Far enough ahead for any clock this runs by. */
const BOOK = {
  id: 'half',
  effective_at: '2099-01-01T00:00:00Z',
  ...DOCUMENTED_PRICES,
  replica_size_second_usd: '0.00000933393',
};
const book = inFolder('half.json', JSON.stringify(BOOK));
const JANUARY = ['--from', '2026-01-01T00:00:00Z', '--to', '2026-02-01T00:00:00Z'];

beforeAll(async () => {
  database = await freshDatabase();
  await run('replay', events);
});
afterAll(async () => await database.drop());

async function run(...args: readonly string[]): Promise<Ran> {
  return await gigameter(args, { DATABASE_URL: database.url });
}

test('a new book is tried, added, listed and withdrawn', async () => {
  const tried = await run('what-if', '--price-book', book, ...JANUARY);
  expect(tried).toMatchObject({ code: 0, stderr: 'accounts priced so far: 1\n' });
  expect(tried.stdout).toContain('$25.00            $12.50           -$12.50  less  acme\n');
  const estimated = await run(
    'estimate',
    events,
    '--until',
    '2026-02-01T00:00:00Z',
    '--price-book',
    book,
    '--json',
  );
  expect(JSON.parse(estimated.stdout).accounts[0].periods[0].total_cents).toBe(1_250);

  expect(await run('price-book', 'add', book, '--actor', 'ann')).toMatchObject({
    code: 0,
    stderr: 'half was added.\n',
  });
  const listed = await run('price-book', 'list');
  expect(listed.stdout.split('\n').map((line) => line.replaceAll(/ +/g, ' '))).toEqual([
    'book from state $ per RSS db 0.6 db 1.7 db 4 db 8 db 16 db 32 db 64 db 128 month minimum ¢ corrects back',
    'gigalixir-0.15.0 1970-01-01T00:00:00Z in force 0.00001866786 25 50 400 800 1600 3200 6400 12800 billing period 50 13 months',
    'half 2099-01-01T00:00:00Z planned 0.00000933393 25 50 400 800 1600 3200 6400 12800 billing period 50 13 months',
    '',
  ]);
  const json = JSON.parse((await run('price-book', 'list', '--json')).stdout);
  expect(json.price_books[1]).toMatchObject({ ...BOOK, state: 'planned', added_by: 'ann' });
  expect(await run('price-book', 'withdraw', 'half')).toMatchObject({
    code: 0,
    stdout: 'half is withdrawn.\n',
  });
});

test('a book that is backdated or has no instant is refused with the reason', async () => {
  const past = { ...BOOK, id: 'past', effective_at: '2026-01-15T00:00:00Z' };
  const backdated = await run('price-book', 'add', inFolder('past.json', JSON.stringify(past)));
  expect(backdated.code).toBe(2);
  expect(backdated.stderr).toMatch(
    /^error: a price book must come into force after now \(.*\), not at 2026-01-15T00:00:00Z/,
  );
  const bare = await run(
    'price-book',
    'add',
    inFolder('bare.json', JSON.stringify(DOCUMENTED_PRICES)),
  );
  expect(bare).toMatchObject({ code: 2, stderr: expect.stringContaining('id: is missing') });
});

test('an account gets prices of its own, with a reason, and they end', async () => {
  const set = [
    'prices',
    account,
    '--set',
    'app=0.00001',
    '4=300',
    '--from',
    '2026-01-01T00:00:00Z',
  ];
  expect(await run(...set)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--reason is missing'),
  });
  expect(await run(...set, '--reason', 'annual contract')).toMatchObject({
    code: 0,
    stderr: 'Prices "from 2026-01-01T00:00:00Z" were set.\n',
    stdout: expect.stringContaining(
      '$0.00001 per RSS, database 4: $300  operator: annual contract',
    ),
  });
  const tried = await run('what-if', '--price-book', book, ...JANUARY, '--json');
  expect(JSON.parse(tried.stdout).accounts).toEqual([
    { account, old_cents: 1_339, new_cents: 1_339, difference_cents: 0 },
  ]);
  const ended = await run(
    'prices',
    account,
    '--end',
    'from 2026-01-01T00:00:00Z',
    '--to',
    '2026-01-16T00:00:00Z',
    '--reason',
    'moved out',
    '--json',
  );
  expect(JSON.parse(ended.stdout).prices).toMatchObject([
    { to: '2026-01-16T00:00:00Z', ended: { by: 'operator', reason: 'moved out' } },
  ]);
  expect(await run('prices', account, '--set', '0.1', '--reason', 'x')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--set takes app=USD and SIZE=USD'),
  });
});
