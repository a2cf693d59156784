import fc from 'fast-check';
import { expect, test } from 'vitest';
import { admitEvents } from '../../src/events/admit-events.ts';
import { eventParser } from '../../src/events/parse-event.ts';
import { estimateAccount } from '../../src/invoicing/previews/estimate.ts';
import { documentedPriceBook } from '../../src/pricing/price-book.ts';
import { boundary } from '../../src/values/period.ts';
import { delivered, history } from '../support/histories.ts';
import { oracle } from '../support/oracle.ts';

const parse = eventParser(1000);
const now = new Date('2026-11-01T00:00:00Z');

test('whatever the order and repetition of delivery, an estimate equals a second-by-second count', () => {
  const deliveredHistory = history.chain((one) =>
    fc.record({ history: fc.constant(one), delivery: delivered(one.reports) }),
  );
  fc.assert(
    fc.property(deliveredHistory, ({ history: { account, signedUpAt, until }, delivery }) => {
      const events = delivery.map((report) => {
        const parsed = parse(report, now);
        if (!parsed.ok) throw new Error(JSON.stringify(parsed.refusal));
        return parsed.event;
      });
      const recorded = admitEvents(events).byAccount.get(account)!;
      const estimate = estimateAccount(recorded, [documentedPriceBook()], until);
      const boundaries = [0, 1, 2, 3, 4, 5].map((n) => Number(boundary(signedUpAt, n)));
      const expected = oracle(delivery, boundaries, Number(until));
      expect(estimate.periods.map(summary)).toEqual(
        expected.map(({ start, end, apps, databases, totalCents }) => ({
          start: BigInt(start),
          end: BigInt(end),
          usage: [
            ...[...apps].map(([app, { used }]) => `${app} ${used}`),
            ...[...databases].map(([key, { used }]) => `${key} ${used}`),
          ].toSorted(),
          totalCents,
        })),
      );
    }),
    { numRuns: 40 },
  );
});

function summary(period: ReturnType<typeof estimateAccount>['periods'][number]) {
  const { start, end, usage, lines, totalCents } = period;
  expect(lines.reduce((sum, line) => sum + line.amountCents, 0n)).toBe(totalCents);
  return {
    start,
    end,
    usage: [
      ...usage.apps.map(({ app, rssTenths }) => `${app} ${rssTenths}`),
      ...usage.databases.map((row) => `${row.database} ${row.sizeTenths} ${row.seconds}`),
    ].toSorted(),
    totalCents,
  };
}
