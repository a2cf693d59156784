import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { whatIfCommand, type WhatIfOptions } from '../../src/cli/prices/what-if.ts';
import { admitEvents } from '../../src/events/admit-events.ts';
import { eventParser } from '../../src/events/parse-event.ts';
import { closeDuePeriods } from '../../src/invoicing/close-periods.ts';
import { estimateAccount } from '../../src/invoicing/previews/estimate.ts';
import { whatIf, type Repriced } from '../../src/invoicing/previews/what-if.ts';
import { eventRecorder } from '../../src/metering/record-events.ts';
import { reviewParked } from '../../src/metering/review-parked.ts';
import { withAccountPrices, readAccountPrice } from '../../src/pricing/account-price.ts';
import { setAccountPrice } from '../../src/pricing/change-account-prices.ts';
import {
  DOCUMENTED_PRICES,
  documentedPriceBook,
  readPriceBook,
  type PriceBook,
} from '../../src/pricing/price-book.ts';
import { parseInstant, toDate, type Second } from '../../src/values/instant.ts';
import { boundary } from '../../src/values/period.ts';
import { dumpTables } from '../http/support/dump.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { history } from '../support/histories.ts';
import { reporter, type Report } from '../support/reports.ts';

const parse = eventParser(1000);
const now = new Date('2026-11-01T00:00:00Z');
const second = (text: string): Second => parseInstant(text)!.second;

/** Apps at half their price, databases of size 4 at twice theirs. */
const OTHER = {
  ...DOCUMENTED_PRICES,
  replica_size_second_usd: '0.00000933393',
  database_month_usd: { ...DOCUMENTED_PRICES.database_month_usd, '4': '800' },
};
const other = readPriceBook('other', 0n, OTHER);
/** As the histories of a month in which each account does one thing. */
const ACCOUNTS: Readonly<Record<string, readonly [string, object][]>> = {
  apps: [['app.deployed', { app: 'web', replicas: 1, size: 0.5 }]],
  both: [
    ['app.deployed', { app: 'web', replicas: 1, size: 0.5 }],
    ['database.available', { app: 'web', database: 'db', size: 4 }],
  ],
  idle: [],
  own: [['app.deployed', { app: 'web', replicas: 1, size: 0.5 }]],
  small: [
    ['app.created', { app: 'web' }],
    ['database.available', { app: 'web', database: 'db', size: 0.6 }],
  ],
};

let database: TestDatabase;
let folder: string;
let reports: Report[];
let histories: readonly { readonly account: string; readonly reports: readonly Report[] }[];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'what-if-'));
  database = await freshDatabase();
  const record = eventRecorder({ db: database.db, parse });
  const say = reporter();
  const start = '2026-01-01T00:00:00Z';
  const created = (account: string, index: number): Report =>
    say('account.created', start, { account, email: `${index}@a.example` });
  reports = Object.entries(ACCOUNTS).flatMap(([account, events], index) => [
    created(account, index),
    say('account.upgraded', start, { account }),
    ...events.map(([type, data]) => say(type, start, { account, ...data })),
  ]);
  reports.push(
    created('free', 9),
    say('app.deployed', start, { account: 'free', app: 'web', replicas: 1, size: 0.2 }),
  );
  await record(now, reports);
  await setAccountPrice(database.db, new Date(start), 'own', {
    id: 'deal',
    from: second(start),
    to: undefined,
    content: { replica_size_second_usd: '0.00001' },
    actor: 'ann',
    reason: 'contract',
  });
  await close(second('2026-02-01T00:00:00Z'));
  histories = fc.sample(history, { numRuns: 3, seed: 7 }).map((one, index) => {
    const account = `random ${index}`;
    const [first, ...rest] = one.reports;
    const upgraded = { ...first!, id: 'upgraded', type: 'account.upgraded', data: {} };
    return {
      account,
      reports: [first!, upgraded, ...rest].map((report) => ({
        ...report,
        data: { ...report.data, account },
      })),
    };
  });
  for (const one of histories) {
    const half = Math.ceil(one.reports.length / 2);
    await record(now, one.reports.slice(0, half));
    await close(boundary(second(one.reports[0]!.time), 3));
    // Most of these come late: their periods are closed.
    await record(now, one.reports.slice(half));
    await reviewParked({ db: database.db, parse }, now);
  }
  await close(second('2026-08-01T00:00:00Z'));
});
afterAll(async () => {
  await database.drop();
  await rm(folder, { recursive: true });
});

async function ask(
  priceBook: PriceBook,
  from: string,
  to: string,
  accountsPerPage = 200,
): Promise<{ readonly rows: Record<string, readonly [bigint, bigint]>; readonly pages: number[] }> {
  const rows: Repriced[] = [];
  const pages: number[] = [];
  await whatIf(database.db, {
    priceBook,
    window: { from: second(from), to: second(to) },
    accountsPerPage,
    onPage: (page, soFar) => {
      expect(page.length).toBeLessThanOrEqual(accountsPerPage);
      rows.push(...page);
      pages.push(soFar);
    },
  });
  const asPairs = rows.map((row) => [row.accountId, [row.oldCents, row.newCents]] as const);
  return { rows: Object.fromEntries(asPairs), pages };
}

const JANUARY = ['2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z'] as const;

test('each account that is charged is priced both ways; its own prices go before either book', async () => {
  const { rows } = await ask(other, ...JANUARY);
  expect(rows).toMatchObject({
    apps: [2_500n, 1_250n],
    both: [42_500n, 81_250n],
    idle: [0n, 0n],
    own: [1_339n, 1_339n],
    small: [2_500n, 2_500n],
  });
  expect(rows).not.toHaveProperty('free');
});

test('a part of a period costs its share', async () => {
  const { rows } = await ask(other, '2026-01-11T00:00:00Z', '2026-01-21T00:00:00Z');
  // 432,000 RSS at either price; 864,000 s of 2,678,400 s.
  expect(rows).toMatchObject({ apps: [806n, 403n], small: [806n, 806n] });
});

test('pages of any size say the same, and each holds no more than its accounts', async () => {
  const whole = await ask(other, '2024-01-01T00:00:00Z', '2026-08-01T00:00:00Z');
  const paged = await ask(other, '2024-01-01T00:00:00Z', '2026-08-01T00:00:00Z', 2);
  expect(paged.rows).toEqual(whole.rows);
  expect(whole.pages).toEqual([9]);
  expect(paged.pages).toEqual([2, 4, 6, 8, 9]);
});

test('an equal book changes nothing, and its totals are those of the invoices, corrections included', async () => {
  const { rows } = await ask(
    documentedPriceBook(),
    '2024-01-01T00:00:00Z',
    '2026-08-01T00:00:00Z',
    4,
  );
  for (const [old, fresh] of Object.values(rows)) expect(fresh).toBe(old);
  const { rows: invoiced } = await database.pool.query<{ account_id: string; cents: bigint }>(
    `select account_id, sum(amount_cents)::bigint as cents
     from invoice_line where kind in ('app', 'database', 'adjustment')
     group by 1`,
  );
  const { rows: late } = await database.pool.query(
    `select from invoice_line where kind = 'adjustment'`,
  );
  expect(late.length).toBeGreaterThan(0);
  // The periods of the random accounts do not end with the month, so their open one is left out.
  for (const { account, reports: own } of histories) {
    const until = lastClosed(second(own[0]!.time));
    const only = await ask(documentedPriceBook(), '2024-01-01T00:00:00Z', until);
    const cents = invoiced.find(({ account_id }) => account_id === account)?.cents ?? 0n;
    expect([account, only.rows[account]?.[0] ?? 0n]).toEqual([account, cents]);
  }
  for (const { account_id: account, cents } of invoiced) {
    if (!account.startsWith('random'))
      expect([account, rows[account]?.[0]]).toEqual([account, cents]);
  }
});

test('pure computation over the same events says the same', async () => {
  const until = '2026-08-01T00:00:00Z';
  const { rows } = await ask(other, '2024-01-01T00:00:00Z', until);
  const events = [...reports, ...histories.flatMap((one) => one.reports)].map((report) => {
    const parsed = parse(report, now);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.refusal));
    return parsed.event;
  });
  const deal = readAccountPrice('deal', second(JANUARY[0]), undefined, {
    replica_size_second_usd: '0.00001',
  });
  for (const [account, recorded] of admitEvents(events).byAccount) {
    const prices = account === 'own' ? [deal] : [];
    const sums = [documentedPriceBook(), other].map((book) =>
      estimateAccount(recorded, withAccountPrices([book], prices), second(until)).periods.reduce(
        (sum, { totalCents }) => sum + totalCents,
        0n,
      ),
    );
    expect([account, rows[account] ?? [0n, 0n]]).toEqual([account, sums]);
  }
});

test('the command prints one aligned table, or one JSON document, and changes nothing', async () => {
  const before = await dumpTables(database.db);
  const file = path.join(folder, 'other.json');
  await writeFile(file, JSON.stringify(OTHER));
  const asked = { priceBook: file, from: JANUARY[0], to: JANUARY[1] };
  const { data, notes } = await run(asked);
  expect(notes).toBe('accounts priced so far: 9');
  const lines = data.split('\n');
  expect(lines.slice(0, 5)).toEqual([
    '         old total         new total        difference  pays  account',
    '            $25.00            $12.50           -$12.50  less  apps',
    '           $425.00           $812.50           $387.50  more  both',
    '             $0.00             $0.00             $0.00  same  idle',
    '            $13.39            $13.39             $0.00  same  own',
  ]);
  const json = JSON.parse((await run({ ...asked, json: true })).data);
  expect(json).toMatchObject({ from: JANUARY[0], to: JANUARY[1] });
  expect(json.accounts[1]).toEqual({
    account: 'both',
    old_cents: 42_500,
    new_cents: 81_250,
    difference_cents: 38_750,
  });
  const { winners, losers, same, total } = json;
  expect(json.basis).toContain('below the minimum charge');
  expect(winners.accounts + losers.accounts + same.accounts).toBe(json.accounts.length);
  for (const part of ['accounts', 'old_cents', 'new_cents', 'difference_cents']) {
    expect(winners[part] + losers[part] + same[part]).toBe(total[part]);
  }
  expect(total.new_cents - total.old_cents).toBe(total.difference_cents);
  expect(await dumpTables(database.db)).toEqual(before);
});

test('an empty window is refused', async () => {
  const file = path.join(folder, 'other.json');
  await writeFile(file, JSON.stringify(OTHER));
  const asked = { priceBook: file, from: JANUARY[1], to: JANUARY[1] };
  await expect(run(asked)).rejects.toThrow('--from must be before --to');
});

/** The last boundary of an account's periods that had been closed. */
function lastClosed(signedUpAt: Second): string {
  const until = second('2026-08-01T00:00:00Z');
  let months = 1;
  while (boundary(signedUpAt, months + 1) <= until) months += 1;
  return toDate(boundary(signedUpAt, months)).toISOString();
}

async function close(until: Second): Promise<void> {
  await closeDuePeriods(database.db, toDate(until), {
    graceSeconds: 0n,
    onFailure: (_account, error) => {
      throw error;
    },
  });
}

async function run(options: WhatIfOptions): Promise<{ data: string; notes: string }> {
  const [data, notes]: [string[], string[]] = [[], []];
  const output = {
    data: (text: string) => void data.push(text),
    note: (text: string) => void notes.push(text),
  };
  expect(await whatIfCommand({ db: database.db, output, now }, options)).toBe(0);
  return { data: data.join('\n'), notes: notes.join('\n') };
}
