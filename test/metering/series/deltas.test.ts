import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Event } from '../../../src/events/event.ts';
import { compareEvents } from '../../../src/events/order.ts';
import { deltasOf, sharesOf } from '../../../src/metering/series/deltas.ts';
import { newEvent } from '../../../src/metering/recording/new-event.ts';

const END = 1_000n;

const events = fc
  .uniqueArray(
    fc.record({
      second: fc.integer({ min: 0, max: 40 }),
      id: fc.nat({ max: 60 }),
      app: fc.constantFrom('a', 'b'),
      replicas: fc.nat({ max: 3 }),
    }),
    { selector: ({ id }) => id, minLength: 1, maxLength: 25 },
  )
  .map((all) =>
    all.map(({ second, id, app, replicas }): Event => ({
      account: 'acme',
      source: 'controller',
      id: `e-${id}`,
      occurredAt: { second: BigInt(second), fraction: '' },
      sequence: undefined,
      fact: { type: 'app.scaled', app, replicas, sizeTenths: 2 },
    })),
  );

const levelOf = ({ fact }: Event): bigint =>
  fact.type === 'app.scaled' ? BigInt(fact.replicas * fact.sizeTenths) : 0n;
const appOf = ({ fact }: Event): string => (fact.type === 'app.scaled' ? fact.app : '');

/** Second by second: the level of the latest event so far. */
function integral(all: readonly Event[], app: string): bigint {
  const own = all.filter((event) => appOf(event) === app).toSorted(compareEvents);
  let sum = 0n;
  for (let second = 0n; second < END; second += 1n) {
    const latest = own.findLast(({ occurredAt }) => occurredAt.second <= second);
    sum += latest === undefined ? 0n : levelOf(latest);
  }
  return sum;
}

/** Records a batch into lines in memory, as the database would be asked. */
function fold(
  lines: Map<string, { level: bigint; offset: bigint }>,
  recorded: Event[],
  batch: readonly Event[],
): void {
  const placed = batch.map((event) => {
    const own = recorded.filter((one) => appOf(one) === appOf(event)).toSorted(compareEvents);
    const previous = own.findLast((one) => compareEvents(one, event) < 0);
    return {
      event,
      row: newEvent(event).row,
      previousLevel: previous === undefined ? 0n : levelOf(previous),
      previousSizeTenths: 2,
      nextAt: own.find((one) => compareEvents(one, event) > 0)?.occurredAt.second,
      lastCutAt: 0n,
    };
  });
  for (const { resource, level, offsetUnits } of sharesOf(deltasOf(placed))) {
    const line = lines.get(resource) ?? { level: 0n, offset: 0n };
    lines.set(resource, { level: line.level + level, offset: line.offset + offsetUnits });
  }
  recorded.push(...batch);
}

test('however events come together, late or in order, their lines hold the integral to the unit', () => {
  fc.assert(
    fc.property(
      events,
      fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 25 }),
      (all, sizes) => {
        const lines = new Map<string, { level: bigint; offset: bigint }>();
        const recorded: Event[] = [];
        let from = 0;
        for (const size of sizes) {
          fold(lines, recorded, all.slice(from, from + size));
          from += size;
        }
        for (const app of ['a', 'b']) {
          const { level, offset } = lines.get(app) ?? { level: 0n, offset: 0n };
          expect(level * END + offset).toBe(integral(all, app));
        }
      },
    ),
    { numRuns: 300 },
  );
});
