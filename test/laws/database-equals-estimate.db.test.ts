import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { admitEvents } from '../../src/events/admit-events.ts';
import { eventParser } from '../../src/events/parse-event.ts';
import { closeDuePeriods } from '../../src/invoicing/close-periods.ts';
import { estimateAccount } from '../../src/invoicing/previews/estimate.ts';
import { eventRecorder, type RecordEvents } from '../../src/metering/record-events.ts';
import type { Levels } from '../../src/metering/usage/levels.ts';
import { levelsOf } from '../../src/metering/usage/levels-store.ts';
import { rebuildSeries } from '../../src/metering/series/rebuild-series.ts';
import { reviewParked } from '../../src/metering/review-parked.ts';
import { segmentsOf, segmentUsage } from '../../src/metering/usage/segments.ts';
import { usageOf } from '../../src/metering/usage/usage-store.ts';
import { readDesired, runningOf } from '../../src/platform/desired-state.ts';
import { documentedPriceBook } from '../../src/pricing/price-book.ts';
import { parseInstant, toDate, type Second } from '../../src/values/instant.ts';
import { boundary } from '../../src/values/period.ts';
import { compareBytes } from '../../src/values/text.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { delivered, history, type History } from '../support/histories.ts';
import type { Report } from '../support/reports.ts';

const parse = eventParser(1000);
const now = new Date('2026-11-01T00:00:00Z');
const books = [documentedPriceBook()];
let database: TestDatabase;
let record: RecordEvents;

beforeAll(async () => {
  database = await freshDatabase();
  record = eventRecorder({ db: database.db, parse });
});
afterAll(async () => await database.drop());

/** Instants at, next to and between the boundaries and events of a history. */
function instantWithin({ signedUpAt, reports }: History): fc.Arbitrary<Second> {
  const boundaries = [0, 1, 2, 3].map((n) => boundary(signedUpAt, n));
  const events = reports.map((report) => parseInstant(report.time)!.second);
  return fc
    .tuple(
      fc.oneof(fc.constantFrom(...boundaries), fc.constantFrom(...events)),
      fc.oneof(fc.constantFrom(0, 0, 0, 1, -1), fc.integer({ min: -86_400, max: 86_400 })),
    )
    .map(([at, offset]) => at + BigInt(offset));
}

/** The account gets a name of its own, since all runs share one database. */
let runs = 0;
const deliveredHistory = history.chain((one) => {
  const account = `${one.account} ${++runs}`;
  const reports = one.reports.map((report) => ({ ...report, data: { ...report.data, account } }));
  return fc.record({
    account: fc.constant(account),
    until: fc.constant(one.until),
    reports: fc.constant(reports),
    delivery: delivered(reports),
    batchSizes: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1 }),
    closesAfter: fc.array(fc.boolean(), { minLength: 1 }),
    windows: fc.array(fc.tuple(instantWithin(one), instantWithin(one)), {
      minLength: 12,
      maxLength: 12,
    }),
  });
});

test('recorded in any order, repeated, in any batches, with closes in between: every window and level is exact', async () => {
  await fc.assert(
    fc.asyncProperty(deliveredHistory, async (given) => {
      const { account, until, delivery, windows } = given;
      let batch = 0;
      for (const reports of batchesOf(delivery, given.batchSizes)) {
        await record(now, reports);
        if (given.closesAfter[batch++ % given.closesAfter.length]) await close(until);
      }
      await reviewParked({ db: database.db, parse }, now);
      const recorded = recordedEvents(delivery, account);
      const segments = segmentsOf(recorded);
      const asked = windows.map(([from, to]) => ({ account, from, to }));
      const expected = asked.map((window) => segmentUsage(segments, window));
      expect(await usageOf(database.db, asked)).toEqual(expected);
      expect(await running(account)).toEqual(await levelsOf(database.db, account));
      expect(await rebuildSeries(database.db, [account], false)).toEqual([]);
      expect(await usageOf(database.db, asked)).toEqual(expected);
    }),
    { numRuns: 60 },
  );
}, 300_000);

test('what is recorded before the close is invoiced exactly as estimated', async () => {
  await fc.assert(
    fc.asyncProperty(deliveredHistory, async (given) => {
      const { account, until, delivery } = given;
      for (const reports of batchesOf(delivery, given.batchSizes)) await record(now, reports);
      await reviewParked({ db: database.db, parse }, now);
      await close(until);
      const estimate = estimateAccount(recordedEvents(delivery, account), books, until);
      const closed = estimate.periods.filter((period) => !period.isOpen);
      const periods = await database.db
        .selectFrom('billing_period')
        .selectAll()
        .where('account_id', '=', account)
        .orderBy('start_at')
        .execute();
      expect(periods.map(({ start_at, end_at, tier }) => [start_at, end_at, tier])).toEqual(
        closed.map(({ start, end, tier }) => [start, end, tier]),
      );
      const lines = await database.db
        .selectFrom('invoice_line')
        .innerJoin('invoice', (join) =>
          join
            .onRef('invoice.account_id', '=', 'invoice_line.account_id')
            .onRef('invoice.invoice_id', '=', 'invoice_line.invoice_id'),
        )
        .select(['period_start', 'description', 'amount_cents'])
        .where('invoice_line.account_id', '=', account)
        .where('kind', 'in', ['app', 'database'])
        .orderBy('period_start')
        .orderBy('line_number')
        .execute();
      expect(lines).toEqual(
        closed.flatMap(({ start, lines: estimated }) =>
          estimated.map(({ description, amountCents }) => ({
            period_start: start,
            description,
            amount_cents: amountCents,
          })),
        ),
      );
    }),
    { numRuns: 30 },
  );
}, 300_000);

/** Read from the latest facts, where `levelsOf` reads the series. */
async function running(account: string): Promise<Levels> {
  const { apps, databases } = runningOf(await readDesired(database.db, account));
  return { apps, databases: databases.toSorted((a, b) => compareBytes(a.app, b.app)) };
}

function batchesOf(reports: readonly Report[], sizes: readonly number[]): Report[][] {
  const batches: Report[][] = [];
  for (let at = 0, turn = 0; at < reports.length; turn++) {
    const size = sizes[turn % sizes.length]!;
    batches.push(reports.slice(at, at + size));
    at += size;
  }
  return batches;
}

function recordedEvents(delivery: readonly Report[], account: string) {
  const events = delivery.map((report) => {
    const parsed = parse(report, now);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.refusal));
    return parsed.event;
  });
  return admitEvents(events).byAccount.get(account)!;
}

async function close(until: Second): Promise<void> {
  await closeDuePeriods(database.db, toDate(until), {
    graceSeconds: 0n,
    onFailure: (_account, error) => {
      throw error;
    },
  });
}
