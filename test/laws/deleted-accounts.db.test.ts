import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { admitEvents } from '../../src/events/admit-events.ts';
import { eventParser } from '../../src/events/parse-event.ts';
import { closeDuePeriods } from '../../src/invoicing/close-periods.ts';
import { estimateAccount } from '../../src/invoicing/previews/estimate.ts';
import { eventRecorder, type RecordEvents } from '../../src/metering/record-events.ts';
import { reviewParked } from '../../src/metering/review-parked.ts';
import { documentedPriceBook } from '../../src/pricing/price-book.ts';
import { formatSecond, later, toDate } from '../../src/values/instant.ts';
import { boundary } from '../../src/values/period.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { delivered, history } from '../support/histories.ts';
import { oracle } from '../support/oracle.ts';
import type { Report } from '../support/reports.ts';

const parse = eventParser(1000);
const now = new Date('2026-11-01T00:00:00Z');
const DAY = 86_400n;
let database: TestDatabase;
let record: RecordEvents;

beforeAll(async () => {
  database = await freshDatabase();
  record = eventRecorder({ db: database.db, parse });
});
afterAll(async () => await database.drop());

let runs = 0;
/** The account is deleted on, next to or between its boundaries, and that is reported twice, perhaps. */
const ending = fc.record({
  month: fc.integer({ min: 0, max: 3 }),
  offset: fc.oneof(fc.constantFrom(0n, 1n, -1n), fc.bigInt({ min: -3n * DAY, max: 20n * DAY })),
  again: fc.option(fc.constantFrom(0n, 1000n), { nil: undefined }),
});
const endedHistory = fc.tuple(history, ending).chain(([one, { month, offset, again }]) => {
  const account = `${one.account} ${++runs}`;
  const deletedAt = later(boundary(one.signedUpAt, month) + offset, one.signedUpAt);
  const deleted = [deletedAt, ...(again === undefined ? [] : [deletedAt + again])].map(
    (at, index): Report => ({
      specversion: '1.0',
      id: `deletion ${index}`,
      source: 'controller',
      type: 'account.deleted',
      time: formatSecond(at),
      data: {},
    }),
  );
  const reports = [...one.reports, ...deleted].map((report) => ({
    ...report,
    data: { ...report.data, account },
  }));
  return fc.record({
    account: fc.constant(account),
    deletedAt: fc.constant(deletedAt),
    boundaries: fc.constant([0, 1, 2, 3, 4].map((n) => boundary(one.signedUpAt, n))),
    delivery: delivered(reports),
  });
});

test('a deleted account is billed to the second of its deletion and no further, however it was reported (R56)', async () => {
  await fc.assert(
    fc.asyncProperty(endedHistory, async ({ account, deletedAt, boundaries, delivery }) => {
      for (let from = 0; from < delivery.length; from += 4) {
        await record(now, delivery.slice(from, from + 4));
      }
      await reviewParked({ db: database.db, parse }, now);
      const until = deletedAt + 40n * DAY;
      await closeDuePeriods(database.db, toDate(until), {
        graceSeconds: 0n,
        onFailure: (_account, error) => {
          throw error;
        },
      });
      const { rows } = await database.pool.query<{
        start_at: bigint;
        end_at: bigint;
        cents: bigint;
      }>(
        `select period.start_at, period.end_at, coalesce((
            select sum(amount_cents) from invoice join invoice_line using (account_id, invoice_id)
            where invoice.account_id = period.account_id and period_start = start_at
              and kind in ('app', 'database')), 0)::bigint as cents
          from billing_period period where account_id = $1 order by start_at`,
        [account],
      );
      const billed = rows.map(({ start_at, end_at, cents }) => [start_at, end_at, cents]);

      const counted = oracle(delivery, boundaries.map(Number), Number(deletedAt))
        .filter(({ start }) => BigInt(start) < deletedAt)
        .map(({ start, end, totalCents }) => {
          const endAt = BigInt(end) < deletedAt ? BigInt(end) : deletedAt;
          return [BigInt(start), endAt, totalCents];
        });
      expect(billed).toEqual(counted);

      const events = delivery.map((report) => {
        const parsed = parse(report, now);
        if (!parsed.ok) throw new Error(JSON.stringify(parsed.refusal));
        return parsed.event;
      });
      const recorded = admitEvents(events).byAccount.get(account)!;
      const { periods } = estimateAccount(recorded, [documentedPriceBook()], until);
      expect(periods.map(({ start, end, totalCents }) => [start, end, totalCents])).toEqual(
        counted,
      );
    }),
    { numRuns: 20 },
  );
}, 300_000);
