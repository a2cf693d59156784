import type { Queue } from 'bullmq';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { Db } from '../database/pool.ts';
import { prepareMonths } from '../metering/months.ts';
import { recorderWithin, type Recording } from '../metering/record-events.ts';
import { reviewParked } from '../metering/review-parked.ts';
import { redriveFailedEvents, type EventsJob, type EventsResult } from '../queue/events-queue.ts';
import type { Tick } from '../queue/ticks.ts';
import { watchSilence } from '../sources/silence/watch-silence.ts';
import type { Clock } from '../values/clock.ts';
import { archiveOld } from './archive-old.ts';
import type { Billing } from './billing.ts';
import { proveSample, sealInvoiced } from './prove.ts';

/** How often each task looks for work. PostgreSQL knows what is due; these only ask. */
export function schedules({
  config,
  db,
  billing,
  eventsQueue,
  recording,
  clock,
  log,
}: {
  readonly config: Pick<Config, 'archive'>;
  readonly db: Db;
  readonly billing: Billing;
  readonly eventsQueue: Queue<EventsJob, EventsResult>;
  readonly recording: Recording;
  readonly clock: Clock;
  readonly log: Logger;
}): Tick[] {
  const every = (seconds: number) => ({ every: seconds * 1000 });
  const nightly = (hour: number) => ({ pattern: `0 ${hour} * * *` });
  return [
    { name: 'close', schedule: every(60), run: async () => void (await billing.close(clock())) },
    { name: 'issue', schedule: every(15), run: billing.issue },
    { name: 'collect', schedule: every(60), run: billing.collect },
    { name: 'refund', schedule: every(60), run: billing.refund },
    { name: 'read-news', schedule: every(5), run: billing.readNews },
    { name: 'sweep', schedule: every(3600), run: billing.sweep },
    { name: 'reconcile', schedule: nightly(2), run: async () => void (await billing.reconcile()) },
    {
      name: 'prepare-months',
      schedule: every(3600),
      run: async () => void (await prepareMonths(db, clock())),
    },
    {
      name: 'redrive-events',
      schedule: every(60),
      run: async () => await redriveFailedEvents(eventsQueue),
    },
    {
      name: 'review-parked',
      schedule: every(60),
      run: async () => void (await reviewParked({ db, ...recording }, clock())),
    },
    {
      name: 'watch-silence',
      schedule: every(15),
      run: async () => {
        const { begun, ended } = await watchSilence(
          { db, record: recorderWithin(recording) },
          clock(),
        );
        for (const { source } of begun) log.warn({ source }, 'a source has gone silent');
        for (const { source } of ended) log.info({ source }, 'a silent source was heard again');
      },
    },
    { name: 'seal', schedule: every(60), run: async () => await sealInvoiced(db) },
    {
      name: 'prove-sample',
      schedule: nightly(3),
      run: async () => await proveSample(db, clock(), log),
    },
    {
      name: 'archive',
      schedule: nightly(4),
      run: async () => await archiveOld(db, clock(), config.archive, log),
    },
  ];
}
