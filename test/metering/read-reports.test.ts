import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { eventParser } from '../../src/events/parse-event.ts';
import { readReports } from '../../src/metering/record-events.ts';
import { reporter } from '../support/reports.ts';

const NOW = new Date('2026-03-01T00:00:00Z');
const say = reporter();

/** How often others got a turn while so many reports were read. */
async function turnsWhileReading(reports: number): Promise<number> {
  const parse = eventParser(1000);
  const reported = Array.from({ length: reports }, () =>
    say('app.deleted', '2026-02-01T00:00:00Z', { account: 'acme', app: 'web' }),
  );
  let isRead = false;
  const reading = readReports(parse, NOW, reported).then((read) => {
    isRead = true;
    return read;
  });
  let turns = 0;
  for (; !isRead; turns++) await nextTurn();
  expect(await reading).toHaveLength(reports);
  return turns;
}

test('reading many reports lets others have a turn after each hundred', async () => {
  expect(await turnsWhileReading(1)).toBeLessThanOrEqual(1);
  expect(await turnsWhileReading(1000)).toBeGreaterThanOrEqual(9);
});
