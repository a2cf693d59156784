import assert from 'node:assert/strict';
import { performance } from 'node:perf_hooks';
import { sql } from 'kysely';
import { eventParser } from '../../src/events/parse-event.ts';
import { eventRecorder } from '../../src/metering/record-events.ts';
import { usageOf } from '../../src/metering/usage/usage-store.ts';
import { platformRecording } from '../../src/platform/recording.ts';
import { format, type Figure } from '../figures.ts';
import { quantile } from '../measure.ts';
import { seeded } from '../random.ts';
import { END, NOW, SIGNED_UP, accountName, accountReports, scaleReports } from '../reports.ts';
import type { Scenario, Size } from '../scenario.ts';
import type { BenchDatabase } from '../servers.ts';
import { seedHistory, type History } from '../seed-history.ts';
import { queryWindow } from '../window-query.ts';

/** Events of three accounts, the first the smallest; each also has three apps. */
const HISTORIES: Readonly<Record<Size, readonly number[]>> = {
  small: [1_000, 5_000, 20_000],
  default: [1_000, 100_000, 500_000],
  large: [1_000, 100_000, 10_000_000],
};
const ASKS: Readonly<Record<Size, number>> = { small: 500, default: 5_000, large: 5_000 };
/** Of a thousand events each, recorded while usage is asked for. */
const BATCHES: Readonly<Record<Size, number>> = { small: 4, default: 20, large: 40 };
const MOST_MS = 5;
/** The window query is slow: so many of its runs are enough. */
const WINDOW_ASKS = 5;

/**
 * What an account has used so far, beside a round trip to the database and beside the query over all its
 * events that meters without a running integral answer with.
 */
export const usage: Scenario = {
  name: 'c',
  about: 'current usage by length of history, against a window query over it (d)',
  run: async (servers, size) => {
    const database = await servers.makeDatabase();
    const histories = HISTORIES[size].map((events, number) => ({
      account: accountName(number),
      events,
    }));
    await seedHistory(database.db, histories);
    await database.pool.query('vacuum analyze');
    const flat = await askInTurns(database, histories, ASKS[size]);
    const figures = [
      ...flat,
      ...(await compareWindow(database, histories)),
      await askWhileRecording(database, histories[0]!.account, size),
    ];
    await database.drop();
    return figures;
  },
};

const WINDOW = { from: BigInt(SIGNED_UP), to: BigInt(END) };

async function askInTurns(
  { db }: BenchDatabase,
  histories: readonly History[],
  asks: number,
): Promise<Figure[]> {
  const kinds = new Map<string, () => Promise<unknown>>([
    ['select', async () => await sql`/* prepare bench_one */ select ${1}::int`.execute(db)],
    ...histories.map(
      ({ account }) => [account, async () => await usageOf(db, [{ account, ...WINDOW }])] as const,
    ),
  ]);
  const times = new Map([...kinds.keys()].map((kind) => [kind, [] as number[]]));
  const random = seeded(5);
  for (let ask = -50; ask < asks; ask++) {
    // In a fixed order the collector of garbage would come to the same one again and again.
    for (const [kind, run] of random.shuffled([...kinds])) {
      const start = performance.now();
      await run();
      if (ask >= 0) times.get(kind)!.push(performance.now() - start);
    }
  }
  const show = (kind: string): string =>
    `p50 ${format(quantile(times.get(kind)!, 0.5))} p99 ${format(quantile(times.get(kind)!, 0.99))} ms`;
  const ratio = (kind: string, of: string, share: number): number =>
    quantile(times.get(kind)!, share) / quantile(times.get(of)!, share);
  const [small, ...others] = histories;
  return [
    ...others.flatMap(({ account, events }): Figure[] =>
      [
        { share: 0.5, name: 'p50', atMost: 1.2 },
        { share: 0.99, name: 'p99', atMost: 1.5 },
      ].map(({ share, name, atMost }) => ({
        scenario: 'c',
        what: `current usage over ${events} events, of that over ${small!.events}: ${name}`,
        measured: show(account),
        limit: show(small!.account),
        ratio: ratio(account, small!.account, share),
        target: { atMost },
      })),
    ),
    {
      scenario: 'c',
      what: `current usage over ${others.at(-1)!.events} events, of a round trip: p50`,
      measured: show(others.at(-1)!.account),
      limit: show('select'),
      ratio: ratio(others.at(-1)!.account, 'select', 0.5),
      target: { atMost: 1.5 },
    },
  ];
}

async function compareWindow(
  { db }: BenchDatabase,
  histories: readonly History[],
): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const { account, events } of histories) {
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let ask = 0; ask < WINDOW_ASKS; ask++) {
      let start = performance.now();
      const [metered] = await usageOf(db, [{ account, ...WINDOW }]);
      ours.push(performance.now() - start);
      start = performance.now();
      const queried = await queryWindow(db, [account]);
      theirs.push(performance.now() - start);
      assert.deepEqual(
        metered!.apps.map(({ app, rssTenths }) => [app, rssTenths]),
        queried.map(({ app, units }) => [app, units]),
      );
    }
    figures.push({
      scenario: 'd',
      what: `a window query over ${events} events, of current usage: p50`,
      measured: `${format(quantile(theirs, 0.5))} ms`,
      limit: `${format(quantile(ours, 0.5))} ms`,
      ratio: quantile(theirs, 0.5) / quantile(ours, 0.5),
      ...(events >= 100_000 ? { target: { atLeast: 10 } } : {}),
    });
  }
  return figures;
}

async function askWhileRecording(
  { db }: BenchDatabase,
  account: string,
  size: Size,
): Promise<Figure> {
  const record = eventRecorder({ db, ...platformRecording(eventParser(1000)) });
  const random = seeded(2);
  const others = { from: 100, to: 600 };
  await record(NOW, accountReports(random, others.from, others.to));
  const times: number[] = [];
  let isRecording = true;
  const ask = async (): Promise<void> => {
    while (isRecording) {
      const start = performance.now();
      await usageOf(db, [{ account, ...WINDOW }]);
      times.push(performance.now() - start);
    }
  };
  const recordAll = async (): Promise<void> => {
    for (let batch = 0; batch < BATCHES[size]; batch++) {
      await record(NOW, scaleReports(random, 1000, others, [SIGNED_UP, END]));
    }
    isRecording = false;
  };
  await Promise.all([ask(), recordAll()]);
  return {
    scenario: 'c',
    what: 'current usage while events are recorded as fast as they can be: p99 of 5 ms',
    measured: `p50 ${format(quantile(times, 0.5))} p99 ${format(quantile(times, 0.99))} ms`,
    limit: `${times.length} asked`,
    ratio: quantile(times, 0.99) / MOST_MS,
    target: { atMost: 1 },
  };
}
