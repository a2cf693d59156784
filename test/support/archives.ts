import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Db } from '../../src/database/pool.ts';
import { eventParser } from '../../src/events/parse-event.ts';
import { closeDuePeriods } from '../../src/invoicing/close-periods.ts';
import { prepareMonths } from '../../src/metering/months.ts';
import { eventRecorder } from '../../src/metering/record-events.ts';
import { reviewParked } from '../../src/metering/review-parked.ts';
import { groupBy } from '../../src/values/group.ts';
import { toDate, type Second } from '../../src/values/instant.ts';
import type { Report } from './reports.ts';

const parse = eventParser(1000);

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
