import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { sql } from 'kysely';
import { archiveMonths, type Archived } from '../../src/archive/archive-months.ts';
import { listMonths } from '../../src/archive/list-months.ts';
import type { Db } from '../../src/database/pool.ts';
import { eventParser } from '../../src/events/parse-event.ts';
import { closeDuePeriods } from '../../src/invoicing/close-periods.ts';
import { prepareMonths } from '../../src/metering/months.ts';
import { eventRecorder } from '../../src/metering/record-events.ts';
import { reviewParked } from '../../src/metering/review-parked.ts';
import { groupBy } from '../../src/values/group.ts';
import { toDate, toSecond, type Second } from '../../src/values/instant.ts';
import { worldOf, type TestDatabase } from './database.ts';
import { reporter, type Report } from './reports.ts';

const parse = eventParser(1000);

/** When the world of `archiveWorld` is looked at. */
export const ARCHIVE_NOW = new Date('2026-06-15T00:00:00Z');
export const OTHER = 'Ünï "☃"';

/** A report with when it reaches us. */
export type Delivery = { readonly at: Second; readonly report: Report };

export async function closeAll(db: Db, until: Second): Promise<void> {
  await closeDuePeriods(db, toDate(until), {
    graceSeconds: 0n,
    onFailure: (_account, error) => {
      throw error;
    },
  });
}

/** Records what is delivered when it is, and closes what has ended before each. */
export async function live(db: Db, deliveries: readonly Delivery[]): Promise<void> {
  const record = eventRecorder({ db, parse });
  for (const [at, together] of groupBy(deliveries, (one) => one.at)) {
    await closeAll(db, at);
    await record(
      toDate(at),
      together.map(({ report }) => report),
    );
    await reviewParked({ db, parse }, toDate(at));
  }
  await prepareMonths(db, toDate(deliveries.at(-1)!.at));
}

export async function archiveFolder(): Promise<string> {
  return await mkdtemp(path.join(tmpdir(), 'gigameter-archive-'));
}

/** Two accounts of two years: an app scaled every ten days, its database, and a nightly job now and then. */
async function liveTwoYears(db: Db): Promise<void> {
  for (const account of ['acme', OTHER]) {
    const say = reporter();
    const reports = [
      say('account.created', '2024-06-10T00:00:00Z', { account, email: 'o@acme.example' }),
      say('account.upgraded', '2024-06-10T00:00:00Z', { account }),
      say('app.deployed', '2024-06-10T00:00:00Z', { account, app: 'web', replicas: 1, size: 1 }),
      say('database.available', '2024-06-11T00:00:00Z', {
        account,
        app: 'web',
        database: 'db',
        size: 0.6,
      }),
    ];
    for (let day = 0; day < 700; day += 10) {
      const time = new Date(Date.UTC(2024, 5, 12 + day)).toISOString();
      reports.push(
        say('app.scaled', time, { account, app: 'web', replicas: 1 + (day % 3), size: 0.5 }),
        say('job.started', time, { account, app: 'web', job: `nightly-${day}`, size: 0.5 }),
        say('database.rows_observed', time, { account, database: 'db', rows: day }),
      );
    }
    await live(
      db,
      reports.map((report) => ({ report, at: endOfMonth(report.time) })),
    );
  }
  await closeAll(db, toSecond(ARCHIVE_NOW));
}

/** Its last second. */
function endOfMonth(time: string): Second {
  const [year, number] = time.split('-').map(Number);
  return BigInt(Date.UTC(year!, number)) / 1000n - 1n;
}

/** A copy of that world for each test, with a folder for its files. */
export function archiveWorld() {
  let world: Awaited<ReturnType<typeof worldOf>>;
  let database: TestDatabase;
  let folder: string;
  let isBroken: boolean;
  beforeAll(async () => {
    world = await worldOf(async ({ db }) => await liveTwoYears(db));
  });
  afterAll(async () => await world.drop());
  beforeEach(async () => {
    isBroken = false;
    database = await world.copy();
    folder = await archiveFolder();
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
    await database.drop(isBroken ? { isBroken } : undefined);
  });
  return {
    database: () => database,
    folder: () => folder,
    /** The test breaks something on purpose. */
    isBroken: () => (isBroken = true),
    archive: async (before: string): Promise<Archived[]> => {
      const archived: Archived[] = [];
      const onMonth = (one: Archived): void => void archived.push(one);
      await archiveMonths(database.db, ARCHIVE_NOW, { before, directory: folder, onMonth });
      return archived;
    },
    events: async (): Promise<readonly unknown[]> =>
      (await sql`select * from event order by account_id, recording, event_id`.execute(database.db))
        .rows,
    month: async (name: string) =>
      (await listMonths(database.db)).find((one) => one.month === name),
  };
}
