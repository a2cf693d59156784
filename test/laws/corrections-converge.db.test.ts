import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { admitEvents } from '../../src/events/admit-events.ts';
import { eventParser } from '../../src/events/parse-event.ts';
import { closeDuePeriods } from '../../src/invoicing/close-periods.ts';
import { estimateAccount } from '../../src/invoicing/previews/estimate.ts';
import { listInvoices } from '../../src/invoicing/list-invoices.ts';
import { balancesOf } from '../../src/ledger/store.ts';
import { eventRecorder, type RecordEvents } from '../../src/metering/record-events.ts';
import { rebuildSeries } from '../../src/metering/series/rebuild-series.ts';
import { reviewParked } from '../../src/metering/review-parked.ts';
import { sealEvents } from '../../src/proof/seal-events.ts';
import { verifyAccount } from '../../src/proof/verify-account.ts';
import { documentedPriceBook } from '../../src/pricing/price-book.ts';
import { formatSecond, toDate, type Second } from '../../src/values/instant.ts';
import { boundary } from '../../src/values/period.ts';
import { bundleOf, provenByScript } from '../support/bundles.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import type { Report } from '../support/reports.ts';
import { delivered, historyOf, withChains } from '../support/histories.ts';

const parse = eventParser(1000);
const now = new Date('2026-11-01T00:00:00Z');
let database: TestDatabase;
let record: RecordEvents;
let runs = 0;

beforeAll(async () => {
  database = await freshDatabase();
  record = eventRecorder({ db: database.db, parse });
});
afterAll(async () => await database.drop());

const MOST_MONTHS = 6;

/**
 * The history of one account, whose reports reach us in any order, some of them repeatedly, with closes of ever
 * later months in between: much of it comes too late, some after
 * the final invoice. And of a twin, whose reports all come before any close.
 */
const lateHistory = fc
  .tuple(
    withChains(historyOf(MOST_MONTHS - 1)),
    fc.constantFrom(0, 0, 1, 86_400, 20 * 86_400, 40 * 86_400),
    // It ends in every second history, which is reported twice in some of them.
    fc.oneof(
      fc.constant([]),
      fc.array(fc.integer({ min: 0, max: 100 * 86_400 }), { minLength: 1, maxLength: 2 }),
    ),
  )
  .chain(([one, upgradedAfter, deletedAfter]) => {
    const account = `${one.account} ${++runs}`;
    const twin = `${account} in time`;
    const upgraded: Report = {
      ...one.reports[0]!,
      id: 'upgraded',
      type: 'account.upgraded',
      time: formatSecond(one.signedUpAt + BigInt(upgradedAfter)),
    };
    const deletions = deletedAfter.map((seconds, index): Report => ({
      ...one.reports[0]!,
      id: `deletion ${index}`,
      type: 'account.deleted',
      time: formatSecond(one.signedUpAt + BigInt(seconds)),
      data: {},
    }));
    const reportsOf = (name: string): Report[] =>
      [...one.reports, upgraded, ...deletions].map((report) => ({
        ...report,
        data: report === upgraded ? { account: name } : { ...report.data, account: name },
      }));
    const reports = reportsOf(account);
    return fc.record({
      account: fc.constant(account),
      twin: fc.constant(twin),
      timely: fc.constant(reportsOf(twin)),
      isChargedFirst: fc.integer({ min: 0, max: 4 }).map((turn) => turn > 0),
      signedUpAt: fc.constant(one.signedUpAt),
      delivery: delivered(reports),
      batchSize: fc.integer({ min: 1, max: 5 }),
      closesAfter: fc.array(fc.boolean(), { minLength: 1, maxLength: MOST_MONTHS }),
    });
  });

test('however late facts are, all invoices together come to what timely facts would have cost', async () => {
  await fc.assert(
    fc.asyncProperty(lateHistory, async (given) => {
      const { account, twin, timely, signedUpAt, batchSize, closesAfter } = given;
      const delivery = given.isChargedFirst ? chargedFirst(given.delivery) : given.delivery;
      await record(now, timely);
      let months = 0;
      for (let from = 0, turn = 0; from < delivery.length; from += batchSize, turn++) {
        await record(now, delivery.slice(from, from + batchSize));
        if (!closesAfter[turn % closesAfter.length]) continue;
        months = Math.min(months + 1, MOST_MONTHS - 1);
        await close(boundary(signedUpAt, months));
      }
      // What came instead is known one after the other.
      while ((await reviewParked({ db: database.db, parse }, now)) > 0);
      // One more close carries the corrections of what came after the last one.
      await close(boundary(signedUpAt, months));
      await close(boundary(signedUpAt, months + 1));
      const until = boundary(signedUpAt, months + 1);

      const events = delivery.map((report) => {
        const parsed = parse(report, now);
        if (!parsed.ok) throw new Error(JSON.stringify(parsed.refusal));
        return parsed.event;
      });
      const recorded = admitEvents(events).byAccount.get(account)!;
      const estimate = estimateAccount(recorded, [documentedPriceBook()], until);
      const closed = estimate.periods.filter(({ isOpen }) => !isOpen);

      expect(await billedByPeriod(account)).toEqual(
        closed
          .flatMap(({ start, lines }) =>
            lines.map((line) => ({
              start,
              app: line.app,
              database: line.kind === 'database' ? line.database : null,
              size: line.kind === 'database' ? line.sizeTenths : null,
              quantity: line.kind === 'app' ? line.rssTenths : line.seconds,
              cents: line.amountCents,
            })),
          )
          .toSorted(inOrder),
      );
      expect(await billedByPeriod(account)).toEqual(await billedByPeriod(twin));
      const paid = await paidInAll(account);
      expect(paid).toBe(closed.reduce((sum, { totalCents }) => sum + totalCents, 0n));
      expect(paid).toBe(await paidInAll(twin));
      expect(await seriesOf(account)).toEqual(await seriesOf(twin));
      expect(await rebuildSeries(database.db, [account], false)).toEqual([]);
      await sealEvents(database.db, account);
      const proof = await verifyAccount(database.db, account);
      expect(proof).toMatchObject({ breaks: [], discrepancies: [] });
      const last = (await listInvoices(database.db, account)).at(-1);
      if (last === undefined) return;
      const bundle = await bundleOf(database.db, account, last.invoiceId);
      expect(provenByScript(bundle).stdout).toContain(`proven  ${last.invoiceId}`);
    }),
    { numRuns: 40, endOnFailure: true },
  );
  // The histories are such that this is not about nothing: some hundred corrections, months back too.
  const { rows } = await database.pool.query<{ corrections: bigint; furthest: bigint }>(
    `select count(*) as corrections, max(period_start - adjusts_period_start) as furthest
     from invoice_line join invoice using (account_id, invoice_id) where kind = 'adjustment'`,
  );
  expect(rows[0]!.corrections).toBeGreaterThan(50n);
  expect(rows[0]!.furthest).toBeGreaterThan(80n * 86_400n);
}, 300_000);

/** Otherwise everything waits for the sign-up, and closed periods are free until the upgrade is known. */
function chargedFirst(delivery: readonly Report[]): readonly Report[] {
  const isFirst = ({ type, id }: Report): boolean =>
    type === 'account.created' || id === 'upgraded';
  return [...delivery.filter(isFirst), ...delivery.filter((report) => !isFirst(report))];
}

/** All invoices together, with what the ledger has of them: too small amounts, and credit. */
async function paidInAll(account: string): Promise<bigint> {
  const invoices = await listInvoices(database.db, account);
  const balances = (await balancesOf(database.db, [account])).get(account)!;
  const { carried, written_off: writtenOff, credit } = balances;
  return (
    invoices.reduce((sum, { totalCents }) => sum + totalCents, 0n) + carried + writtenOff - credit
  );
}

/** To the byte: whatever the order in which facts came, what is kept of them is the same. */
async function seriesOf(account: string): Promise<readonly unknown[]> {
  const { rows } = await database.pool.query<object>(
    `select meter, resource, size_tenths, level, offset_units, first_at, last_at
     from series where account_id = $1 order by meter, resource, size_tenths`,
    [account],
  );
  return rows;
}

type Billed = {
  readonly start: Second;
  readonly app: string;
  readonly database: string | null;
  readonly size: number | null;
  readonly quantity: bigint;
  readonly cents: bigint;
};

/** What was billed per period and resource, own lines and corrections together; nothing where they cancel out. */
async function billedByPeriod(account: string): Promise<Billed[]> {
  const { rows } = await database.pool.query<Billed>(
    `select coalesce(adjusts_period_start, period_start) as start, app, database,
       size_tenths as size, sum(quantity)::bigint as quantity, sum(amount_cents)::bigint as cents
     from invoice_line join invoice using (account_id, invoice_id)
     where account_id = $1 and kind in ('app', 'database', 'adjustment')
     group by 1, 2, 3, 4 having sum(quantity) <> 0 or sum(amount_cents) <> 0`,
    [account],
  );
  return rows.toSorted(inOrder);
}

function inOrder(a: Billed, b: Billed): number {
  const key = ({ start, app, database: db, size }: Billed): string =>
    JSON.stringify([String(start), app, db, size]);
  return key(a) < key(b) ? -1 : 1;
}

async function close(until: Second): Promise<void> {
  await closeDuePeriods(database.db, toDate(until), {
    graceSeconds: 0n,
    onFailure: (_account, error) => {
      throw error;
    },
  });
}
