import assert from 'node:assert/strict';
import type { Db } from '../../src/database/pool.ts';
import { eventParser } from '../../src/events/parse-event.ts';
import { prepareMonths } from '../../src/metering/months.ts';
import { eventRecorder } from '../../src/metering/record-events.ts';
import { usageOf } from '../../src/metering/usage/usage-store.ts';
import { platformRecording } from '../../src/platform/recording.ts';
import type { Figure } from '../figures.ts';
import { measure, median, perEvent, sumOf, type Cost } from '../measure.ts';
import { inParts } from '../parts.ts';
import { seeded } from '../random.ts';
import { END, NOW, SIGNED_UP, accountName, scaleReports } from '../reports.ts';
import type { Size } from '../scenario.ts';
import { seedHistory } from '../seed-history.ts';
import type { Servers } from '../servers.ts';
import { queryWindow } from '../window-query.ts';

const SIZES: Readonly<Record<Size, { accounts: number; perAccount: number; events: number }>> = {
  small: { accounts: 100, perAccount: 200, events: 5_000 },
  default: { accounts: 1_000, perAccount: 1_000, events: 20_000 },
  large: { accounts: 10_000, perAccount: 1_000, events: 50_000 },
};
const ROUNDS = 3;
const FEW = 3;

/** What recording costs with long histories behind it, against the same events in a database with short ones. */
export async function recordWithHistory(servers: Servers, size: Size): Promise<Figure> {
  const { accounts, perAccount, events } = SIZES[size];
  const names = Array.from({ length: accounts }, (_, number) => accountName(number));
  const open = async (eventsEach: number) => {
    const database = await servers.makeDatabase();
    await prepareMonths(database.db, NOW);
    const histories = names.map((account) => ({ account, events: eventsEach }));
    await seedHistory(database.db, histories);
    await database.pool.query('vacuum analyze');
    const record = eventRecorder({ db: database.db, ...platformRecording(eventParser(1000)) });
    return { ...database, record, costs: [] as Cost[] };
  };
  const long = await open(perAccount);
  const short = await open(FEW);
  const random = seeded(6);
  // The histories end a day before.
  const start = END - 86_400;
  const step = 86_400 / (ROUNDS + 1);
  for (let round = 0; round <= ROUNDS; round++) {
    const stretch = [start + round * step, start + (round + 1) * step] as const;
    const reports = scaleReports(random, events, { from: 0, to: accounts }, stretch);
    const turns = new Map([long, short].map((one) => [one, [] as Cost[]]));
    for (const part of inParts(reports, 1000)) {
      for (const [one, costs] of random.shuffled([...turns])) {
        costs.push(await measure(servers.postmaster, async () => await one.record(NOW, part)));
      }
    }
    // The first round fills caches and plans.
    if (round > 0) for (const [one, costs] of turns) one.costs.push(sumOf(costs));
  }
  for (const one of [long, short]) {
    for (const part of inParts(names, 100)) await checkUsage(one.db, part);
    await one.drop();
  }
  return {
    scenario: 'a',
    what: `recording with ${accounts * perAccount} events behind it, of that with ${accounts * FEW}`,
    measured: perEvent(long.costs, events),
    limit: perEvent(short.costs, events),
    ratio: median(long.costs.map((cost, round) => cost.wallUs / short.costs[round]!.wallUs)),
    target: { atMost: 1.4 },
  };
}

async function checkUsage(db: Db, accounts: readonly string[]): Promise<void> {
  const window = { from: BigInt(SIGNED_UP), to: BigInt(END) };
  const usages = await usageOf(
    db,
    accounts.map((account) => ({ account, ...window })),
  );
  const metered = usages.flatMap(({ apps }, index) =>
    apps.map(({ app, rssTenths: units }) => ({ account: accounts[index]!, app, units })),
  );
  assert.deepEqual(metered, await queryWindow(db, accounts));
}
