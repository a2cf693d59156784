import { expect, test } from 'vitest';
import { samplePlatform } from '../../src/demo/sample-platform.ts';
import { admitEvents } from '../../src/events/admit-events.ts';
import { eventParser } from '../../src/events/parse-event.ts';
import { estimateAccount } from '../../src/invoicing/previews/estimate.ts';
import { documentedPriceBook } from '../../src/pricing/price-book.ts';
import { toSecond } from '../../src/values/instant.ts';

const parse = eventParser(1000);

/** Around the turns of 48 months, one of them after a leap day. */
const INSTANTS = Array.from({ length: 48 }, (_, month) => month).flatMap((month) => [
  new Date(Date.UTC(2027, month, 0, 23, 58)),
  new Date(Date.UTC(2027, month, 1, 0, 10)),
  new Date(Date.UTC(2027, month, 2, 0, 10)),
]);

/** What each account's periods that have ended come to, in cents. */
function ended(now: Date): ReadonlyMap<string, readonly number[]> {
  return new Map(
    samplePlatform(now).map(({ id, events }) => {
      const taken = events.flatMap((event) => {
        const parsed = parse(event, now);
        return parsed.ok ? [parsed.event] : [];
      });
      const history = admitEvents(taken).byAccount.get(id)!;
      const { periods } = estimateAccount(history, [documentedPriceBook()], toSecond(now));
      const closed = periods.filter(({ isOpen }) => !isOpen);
      return [id, closed.map(({ totalCents }) => Number(totalCents))];
    }),
  );
}

test('whatever day the demo is run on, it has something of everything to show', () => {
  for (const now of INSTANTS) {
    const cents = ended(now);
    const at = now.toISOString();
    expect([at, cents.get('docs-25.00')]).toEqual([at, [2500]]);
    expect([at, cents.get('docs-161.29')]).toEqual([at, [16_129]]);
    expect([at, cents.get('hobby')]).toEqual([at, [0, 0, 0]]);
    // Free for a month, then upgraded.
    const [free, ...charged] = cents.get('startup')!;
    expect([at, free, charged.filter((one) => one > 0)]).toEqual([at, 0, charged]);
    expect([at, charged.length]).toEqual([at, 2]);
    expect([at, cents.get('declined')?.length]).toEqual([at, 2]);
    // Each too small to be charged by itself, two together are not.
    const small = cents.get('tiny-cron')!;
    expect([at, small.filter((one) => one >= 25 && one < 50)]).toEqual([at, small]);
  }
});
