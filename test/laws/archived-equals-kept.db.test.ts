import { rm } from 'node:fs/promises';
import fc from 'fast-check';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { archiveMonths } from '../../src/archive/archive-months.ts';
import { archivedReader } from '../../src/archive/files/read-archived.ts';
import { listMonths } from '../../src/archive/list-months.ts';
import { restoreMonth } from '../../src/archive/restore-month.ts';
import type { Db } from '../../src/database/pool.ts';
import { findAccount } from '../../src/accounts/store.ts';
import { previewBill } from '../../src/invoicing/previews/preview-bill.ts';
import { rebuildSeries } from '../../src/metering/series/rebuild-series.ts';
import { usageOf } from '../../src/metering/usage/usage-store.ts';
import { sealEvents } from '../../src/proof/seal-events.ts';
import { verifyAccount } from '../../src/proof/verify-account.ts';
import { formatSecond, toDate, type Second } from '../../src/values/instant.ts';
import { boundary } from '../../src/values/period.ts';
import { archiveFolder, closeAll, live, type Delivery } from '../support/archives.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { historyOf, type History } from '../support/histories.ts';
import type { Report } from '../support/reports.ts';

const MONTHS = 22;
const DAY = 86_400n;
let archived: TestDatabase;
let kept: TestDatabase;
let folder: string;
let runs = 0;

const open = async (): Promise<void> => {
  [archived, kept] = [await freshDatabase(), await freshDatabase()];
  folder = await archiveFolder();
};
const close = async (): Promise<void> => {
  await rm(folder, { recursive: true });
  await archived.drop();
  await kept.drop();
};

/** How long after its time a report reaches us: mostly at once, sometimes after months. */
const lateness = fc.constantFrom(0n, 0n, 0n, 0n, DAY, 40n * DAY, 150n * DAY, 300n * DAY);

/** In which month the account is deleted, after which other reports of it may come all the same; if at all. */
const deletion = fc.oneof(fc.constant(undefined), fc.integer({ min: 3, max: MONTHS - 2 }));

const history = fc.tuple(historyOf(MONTHS - 1), deletion).chain(([one, deletedIn]) => {
  const account = `${one.account} ${++runs}`;
  const ofAccount = (type: string, at: Second): Report => ({
    ...one.reports[0]!,
    id: type,
    type,
    time: formatSecond(at),
    data: {},
  });
  // The account's own first: the rest waits for it.
  const own = [
    one.reports[0]!,
    ofAccount('account.upgraded', one.signedUpAt + 3n * DAY),
    ...(deletedIn === undefined
      ? []
      : [ofAccount('account.deleted', boundary(one.signedUpAt, deletedIn) + 5n * DAY)]),
  ];
  const reports = [...own, ...one.reports.slice(1), ...steady(one)].map((report): Report => ({
    ...report,
    data: { ...report.data, account },
  }));
  return fc.record({
    account: fc.constant(account),
    signedUpAt: fc.constant(one.signedUpAt),
    own: fc.constant(own.length),
    reports: fc.constant(reports),
    delays: fc.array(lateness, { minLength: reports.length, maxLength: reports.length }),
    /** Those that come when months are archived, whatever their time. */
    veryLate: fc.subarray(reports.slice(own.length)),
  });
});

/** So that much is replaced by later facts in each: an app and its database that change twice a month. */
function steady({ signedUpAt, reports }: History): Report[] {
  const say = (n: number, type: string, at: Second, data: object): Report => ({
    ...reports[0]!,
    id: `steady ${n} ${type}`,
    type,
    time: formatSecond(at),
    data: { app: 'web', ...data },
  });
  return Array.from({ length: 2 * MONTHS - 2 }, (_, n) => {
    const at = boundary(signedUpAt, n >> 1) + BigInt(n % 2) * 12n * DAY + BigInt(n) * 3601n;
    const database = { app: 'web', database: 'web-db', size: [0.6, 1.7, 4][n % 3] };
    return [
      say(n, 'app.scaled', at, { replicas: n % 4, size: 0.5 }),
      say(n, n === 0 ? 'database.available' : 'database.resized', at, database),
      say(n, 'job.started', at, { job: `steady-${n}`, size: 2 }),
    ];
  }).flat();
}

test('what is archived changes no usage, preview or invoice, nor what later facts come to within the bound', async () => {
  let left = 0;
  await fc.assert(
    fc
      .asyncProperty(history, async ({ account, signedUpAt, own, reports, delays, veryLate }) => {
        const end = boundary(signedUpAt, MONTHS);
        const timely = reports
          .map((report, index): Delivery => {
            const at = BigInt(Date.parse(report.time)) / 1000n + 1n;
            const delayed = at + (index < own ? 0n : delays[index]!);
            return { report, at: delayed < end ? delayed : end - 1n };
          })
          .filter(({ report }) => !veryLate.includes(report))
          .toSorted((a, b) => (a.at < b.at ? -1 : 1));
        for (const { db } of [archived, kept]) {
          await live(db, timely);
          await closeAll(db, end);
        }
        left += await archive(end);
        expect(await told(archived.db, account, signedUpAt, end)).toEqual(
          await told(kept.db, account, signedUpAt, end),
        );
        // What is older than corrections reach back to is billed by neither, and metered where it still can be.
        const within = boundary(signedUpAt, MONTHS - 13);
        const late = veryLate
          .filter((report) => aboutOf(report, reports) >= within)
          .map((report): Delivery => ({ at: end + DAY, report }));
        if (late.length > 0) {
          for (const { db } of [archived, kept]) await live(db, late);
        }
        const later = boundary(signedUpAt, MONTHS + 1);
        for (const { db } of [archived, kept]) await closeAll(db, later);
        expect(await told(archived.db, account, signedUpAt, later)).toEqual(
          await told(kept.db, account, signedUpAt, later),
        );
        await sealEvents(archived.db, account);
        const proven = await verifyAccount(archived.db, account);
        expect(proven).toMatchObject({ breaks: [], discrepancies: [] });
        const read = await archivedReader(archived.db, folder);
        const whole = await verifyAccount(archived.db, account, read);
        expect(whole).toMatchObject({ breaks: [], discrepancies: [], archivedInvoices: 0 });
        expect(await rebuildSeries(archived.db, [account], false)).toEqual([]);
        expect(await told(archived.db, account, signedUpAt, later)).toEqual(
          await told(kept.db, account, signedUpAt, later),
        );
        // What is older than the bound is recorded, and spoils nothing.
        const before = veryLate.filter((report) => aboutOf(report, reports) < within);
        if (before.length > 0) {
          await live(
            kept.db,
            before.map((report) => ({ at: later + DAY, report })),
          );
          await live(
            archived.db,
            before.map((report) => ({ at: later + DAY, report })),
          );
          await closeAll(archived.db, boundary(signedUpAt, MONTHS + 2));
          expect(await rebuildSeries(archived.db, [account], true)).toEqual([]);
          const still = await verifyAccount(archived.db, account);
          expect(still).toMatchObject({ breaks: [], discrepancies: [] });
          return;
        }
        for (const { month } of await listMonths(archived.db)) {
          await restoreMonth(archived.db, month, folder);
        }
        expect(await eventsOf(archived.db)).toEqual(await eventsOf(kept.db));
        expect(await rebuildSeries(archived.db, [account], false)).toEqual([]);
        expect(await told(archived.db, account, signedUpAt, later)).toEqual(
          await told(kept.db, account, signedUpAt, later),
        );
      })
      .beforeEach(open)
      .afterEach(close),
    { numRuns: 5, endOnFailure: true },
  );
  expect(left).toBeGreaterThan(20);
});

/** The time a report is about: of a supersession, that of what it supersedes. */
function aboutOf({ time, data }: Report, reports: readonly Report[]): Second {
  const superseded = reports.find(({ id }) => id === data.superseded_id);
  return BigInt(Date.parse(superseded?.time ?? time)) / 1000n;
}

/** Archives what may be; answers how many events have left. */
async function archive(end: Second): Promise<number> {
  let left = 0;
  const now = toDate(end);
  const before = toDate(boundary(end, -15)).toISOString().slice(0, 7);
  await archiveMonths(archived.db, now, {
    before,
    directory: folder,
    onMonth: ({ rows, carried }) => (left += rows - carried),
  });
  return left;
}

/** All that an account can be told and billed: its invoices, every period's usage, and the running one. */
async function told(db: Db, accountId: string, signedUpAt: Second, now: Second) {
  const account = (await findAccount(db, accountId))!;
  const boundaries = Array.from({ length: MONTHS + 1 }, (_, n) => boundary(signedUpAt, n));
  const periods = boundaries
    .slice(1)
    .map((to, n) => ({ account: accountId, from: boundaries[n]!, to }));
  const lines = await db
    .selectFrom('invoice_line')
    .innerJoin('invoice', 'invoice.invoice_id', 'invoice_line.invoice_id')
    .select(['period_start', 'line_number', 'kind', 'description', 'quantity', 'amount_cents'])
    .where('invoice.account_id', '=', accountId)
    .orderBy('period_start')
    .orderBy('line_number')
    .execute();
  return {
    lines,
    usage: await usageOf(db, [
      ...periods,
      { account: accountId, from: now - 30n * DAY, to: now - 7n * DAY },
      { account: accountId, from: boundary(signedUpAt, MONTHS - 12) + 5n, to: now + 7n * DAY },
    ]),
    preview: await previewBill(db, account, now + 3n * DAY),
  };
}

/** Numbers of batches and their order are drawn anew in each database. */
async function eventsOf(db: Db): Promise<unknown[]> {
  return await db
    .selectFrom('event')
    .selectAll()
    .select(sql`superseded_in is not null`.as('superseded_in'))
    .select(sql`0`.as('recording'))
    .orderBy('account_id')
    .orderBy('source')
    .orderBy('event_id')
    .execute();
}
