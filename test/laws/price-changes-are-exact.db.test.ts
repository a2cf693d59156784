import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { requireAccount } from '../../src/accounts/require-account.ts';
import { admitEvents } from '../../src/events/admit-events.ts';
import { eventParser } from '../../src/events/parse-event.ts';
import { closeDuePeriods } from '../../src/invoicing/close-periods.ts';
import { estimateAccount } from '../../src/invoicing/previews/estimate.ts';
import { explainLine } from '../../src/invoicing/explaining/explain-line.ts';
import { linesOf, pageInvoices } from '../../src/invoicing/page-invoices.ts';
import { forecastBill, previewBill } from '../../src/invoicing/previews/preview-bill.ts';
import { whatIf, type Repriced } from '../../src/invoicing/previews/what-if.ts';
import { windowUsage } from '../../src/invoicing/previews/window-usage.ts';
import { eventRecorder, type RecordEvents } from '../../src/metering/record-events.ts';
import { reviewParked } from '../../src/metering/review-parked.ts';
import { setAccountPrice } from '../../src/pricing/change-account-prices.ts';
import { addPriceBook } from '../../src/pricing/change-price-books.ts';
import { documentedPriceBook, readPriceBook } from '../../src/pricing/price-book.ts';
import { priceBooksOf } from '../../src/pricing/store.ts';
import { toDate, toSecond, type Second } from '../../src/values/instant.ts';
import { boundary } from '../../src/values/period.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { delivered, history } from '../support/histories.ts';
import { oracle, type OracleEra } from '../support/oracle.ts';
import { bookContent, books, erasOf, ownContent, ownPrices, prices } from '../support/prices.ts';
import type { Report } from '../support/reports.ts';

const parse = eventParser(1000);
const now = new Date('2026-11-01T00:00:00Z');
let database: TestDatabase;
let record: RecordEvents;

beforeAll(async () => {
  database = await freshDatabase();
  record = eventRecorder({ db: database.db, parse });
});
afterAll(async () => await database.drop());

/** Prices change at any second, reports come at any time, and closes fall in between. */
const pricedHistory = history.chain((one) =>
  fc.record({
    account: fc.constant(one.account),
    signedUpAt: fc.constant(one.signedUpAt),
    listed: books(one.signedUpAt),
    own: ownPrices(one.signedUpAt),
    other: prices,
    delivery: delivered(one.reports).map((all) => [
      ...all.filter(isSignUp),
      ...all.filter((report) => !isSignUp(report)),
    ]),
    batchSize: fc.integer({ min: 2, max: 9 }),
    closesAfter: fc.array(fc.boolean(), { minLength: 1, maxLength: 4 }),
  }),
);

test('however prices change and facts are late, every way of pricing equals a second-by-second count', async () => {
  await fc.assert(
    fc.asyncProperty(pricedHistory, async (given) => {
      const { account: accountId, signedUpAt, listed, own, delivery, batchSize } = given;
      const { db } = database;
      await startAgain();
      const before = toDate(signedUpAt - 86_400n);
      for (const { from, prices: content } of listed) {
        const id = `book ${from}`;
        await addPriceBook(db, before, {
          id,
          effectiveAt: from,
          content: bookContent(content),
          addedBy: 'test',
        });
      }
      await record(now, delivery.slice(0, 1));
      for (const price of own) {
        const { from, to } = price;
        const content = ownContent(price);
        const why = { actor: 'test', reason: 'contract' };
        await setAccountPrice(db, before, accountId, {
          id: `own ${from}`,
          from,
          to,
          content,
          ...why,
        });
      }
      let months = 0;
      for (let from = 1, turn = 0; from < delivery.length; from += batchSize, turn++) {
        await record(now, delivery.slice(from, from + batchSize));
        if (!given.closesAfter[turn % given.closesAfter.length]) continue;
        months = Math.min(months + 1, 3);
        await close(boundary(signedUpAt, months));
      }
      await reviewParked({ db, parse }, now);
      months += 1;
      const until = boundary(signedUpAt, months);
      await close(until);

      const eras = erasOf(listed, own);
      const end = boundary(signedUpAt, months + 1);
      const counted = countTo(delivery, signedUpAt, end, eras);
      const expected = counted.slice(0, months);
      const sum = total(expected);
      expect(await billedByPeriod(accountId)).toEqual(expected.filter(([, cents]) => cents !== 0n));
      await expectSegmentsWithinEras(accountId, eras);

      const account = await requireAccount(db, accountId);
      const estimated = estimateAccount(
        recorded(delivery, accountId),
        await priceBooksOf(db, accountId),
        until,
      );
      expect(
        estimated.periods.slice(0, months).map(({ start, totalCents }) => [start, totalCents]),
      ).toEqual(expected);

      const at = until + 876_543n;
      expect((await previewBill(db, account, at)).totalCents).toBe(
        countTo(delivery, signedUpAt, at, eras)[months]![1],
      );
      expect((await forecastBill(db, account, at)).totalCents).toBe(counted[months]![1]);
      const window = { from: signedUpAt, to: until };
      expect((await windowUsage(db, account, window, toSecond(now))).totalCents).toBe(sum);

      const other = readPriceBook('other', 0n, bookContent(given.other));
      const otherEras = erasOf([{ from: 0n, prices: given.other }], own);
      const repriced = {
        oldCents: sum,
        newCents: total(countTo(delivery, signedUpAt, until, otherEras)),
      };
      expect(await ask(other, until)).toEqual(
        account.upgradedAt === undefined || account.upgradedAt >= until
          ? []
          : [{ accountId, ...repriced }],
      );
      if (listed.length > 0) return;
      for (const same of await ask(documentedPriceBook(), until)) {
        expect(same).toEqual({ accountId, oldCents: sum, newCents: sum });
      }
    }),
    { numRuns: 10, endOnFailure: true },
  );
});

/** What is used for each period, by its start, counted up to an instant. */
function countTo(
  reports: readonly Report[],
  signedUpAt: Second,
  until: Second,
  eras: readonly OracleEra[],
): [Second, bigint][] {
  const boundaries = [0, 1, 2, 3, 4, 5, 6, 7].map((n) => Number(boundary(signedUpAt, n)));
  return oracle(reports, boundaries, Number(until), eras).map(({ start, totalCents }) => [
    BigInt(start),
    totalCents,
  ]);
}

function total(periods: readonly [Second, bigint][]): bigint {
  return periods.reduce((sum, [, cents]) => sum + cents, 0n);
}

async function ask(priceBook: ReturnType<typeof documentedPriceBook>, to: Second) {
  const rows: Repriced[] = [];
  await whatIf(database.db, {
    priceBook,
    window: { from: 0n, to },
    onPage: (page) => rows.push(...page),
  });
  return rows;
}

/** Own lines and corrections together. */
async function billedByPeriod(account: string): Promise<[Second, bigint][]> {
  const { rows } = await database.pool.query<{ start: Second; cents: bigint }>(
    `select coalesce(adjusts_period_start, period_start) as start, sum(amount_cents)::bigint as cents
     from invoice_line join invoice using (account_id, invoice_id)
     where account_id = $1 and kind in ('app', 'database', 'adjustment')
     group by 1 having sum(amount_cents) <> 0 order by 1`,
    [account],
  );
  return rows.map(({ start, cents }) => [start, cents]);
}

async function expectSegmentsWithinEras(
  accountId: string,
  eras: readonly OracleEra[],
): Promise<void> {
  const { db } = database;
  const account = await requireAccount(db, accountId);
  const invoices = await pageInvoices(db, accountId, { after: undefined, limit: 100 });
  for (const { invoiceId } of invoices) {
    for (const line of await linesOf(db, accountId, invoiceId)) {
      if (line.kind !== 'app' && line.kind !== 'database') continue;
      const { segments, rest } = await explainLine(db, account, invoiceId, line);
      expect(rest).toBeUndefined();
      expect(segments.reduce((sum, { units }) => sum + units, 0n)).toBe(line.quantity);
      expect(segments.reduce((sum, { amountCents }) => sum + amountCents, 0n)).toBe(
        line.amountCents,
      );
      for (const { from, to } of segments) {
        const crossed = eras.filter((era) => from < era.from && era.from < to);
        expect(crossed).toEqual([]);
      }
    }
  }
}

function recorded(delivery: readonly Report[], account: string) {
  const events = delivery.map((report) => {
    const parsed = parse(report, now);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.refusal));
    return parsed.event;
  });
  return admitEvents(events).byAccount.get(account)!;
}

function isSignUp({ type }: Report): boolean {
  return type === 'account.created';
}

/** Price books are everybody's, so each run has the database for itself. */
async function startAgain(): Promise<void> {
  await database.pool.query(`
    do $$ begin
      execute (select 'truncate ' || string_agg(quote_ident(tablename), ', ') from pg_tables
        where schemaname = 'public' and tablename not like 'kysely%' and tablename <> 'price_book');
    end $$`);
  await database.pool.query(`
    alter table price_book disable trigger price_book_kept;
    delete from price_book where added_by is not null;
    alter table price_book enable trigger price_book_kept`);
}

async function close(until: Second): Promise<void> {
  await closeDuePeriods(database.db, toDate(until), {
    graceSeconds: 0n,
    onFailure: (_account, error) => {
      throw error;
    },
  });
}
