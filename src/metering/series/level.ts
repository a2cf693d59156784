import type { Fact } from '../../events/event.ts';

/** What is metered: apps and jobs in replica-size, databases one by one in presence. */
export type Meter = 'app' | 'database' | 'job';

/** Jobs are killed after five minutes, and billed for no more (R14). */
export const MAX_JOB_SECONDS = 300n;

/**
 * What a fact says about the level of one resource from its instant on (D1).
 * - app: `level` = replicas × size in tenths; `sizeTenths` is the size alone.
 * - database: `level` 1 on the series of its size, or 0 on all of them.
 * - job: `level` 1 when it starts, 0 when it ends; `sizeTenths` is its container's size.
 */
export type LevelChange = {
  readonly meter: Meter;
  readonly resource: string;
  readonly app: string | undefined;
  readonly level: number;
  readonly sizeTenths: number;
};

/** Undefined for facts that change no level: accounts, created apps (R12), observed rows. */
export function levelChangeOf(fact: Fact): LevelChange | undefined {
  switch (fact.type) {
    case 'app.deployed':
    case 'app.scaled': {
      const { app, replicas, sizeTenths } = fact;
      return { meter: 'app', resource: app, app, level: replicas * sizeTenths, sizeTenths };
    }
    case 'app.deleted':
      return { meter: 'app', resource: fact.app, app: fact.app, level: 0, sizeTenths: 0 };
    case 'database.available': {
      const { app, database, sizeTenths } = fact;
      return { meter: 'database', resource: database, app, level: 1, sizeTenths };
    }
    case 'database.resized': {
      const { database, sizeTenths } = fact;
      return { meter: 'database', resource: database, app: undefined, level: 1, sizeTenths };
    }
    case 'database.deleted':
      return {
        meter: 'database',
        resource: fact.database,
        app: undefined,
        level: 0,
        sizeTenths: 0,
      };
    case 'job.started': {
      const { app, job, sizeTenths } = fact;
      return { meter: 'job', resource: job, app, level: 1, sizeTenths };
    }
    case 'job.finished':
      return { meter: 'job', resource: fact.job, app: fact.app, level: 0, sizeTenths: 0 };
    default:
      return undefined;
  }
}
