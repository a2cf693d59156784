import { parseInstant } from '../values/instant.ts';
import { toTenths } from '../values/size.ts';
import type { Correction, Event, Fact } from './event.ts';
import type { ReportedEvent } from './schema.ts';

/** Turns a checked report into an event: the instant is read, sizes become whole tenths. */
export function toEvent(reported: ReportedEvent): Event {
  return {
    account: reported.data.account,
    source: reported.source,
    id: reported.id,
    occurredAt: parseInstant(reported.time)!,
    sequence: reported.sequence,
    fact: toFact(reported),
  };
}

function toFact(reported: ReportedEvent): Fact {
  switch (reported.type) {
    case 'account.created':
      return { type: reported.type, email: reported.data.email };
    case 'account.confirmed':
    case 'account.upgraded':
    case 'account.deleted':
      return { type: reported.type };
    case 'app.created':
    case 'app.deleted':
      return { type: reported.type, app: reported.data.app };
    case 'app.deployed':
    case 'app.scaled': {
      const { app, replicas, size } = reported.data;
      return { type: reported.type, app, replicas, sizeTenths: toTenths(size) };
    }
    case 'database.available': {
      const { app, database, size } = reported.data;
      return { type: reported.type, app, database, sizeTenths: toTenths(size) };
    }
    case 'database.resized': {
      const { database, size } = reported.data;
      return { type: reported.type, database, sizeTenths: toTenths(size) };
    }
    case 'database.deleted':
      return { type: reported.type, database: reported.data.database };
    case 'database.rows_observed': {
      const { database, rows } = reported.data;
      return { type: reported.type, database, rows };
    }
    case 'job.started': {
      const { app, job, size } = reported.data;
      return { type: reported.type, app, job, sizeTenths: toTenths(size) };
    }
    case 'event.superseded': {
      const { superseded_source, superseded_id, actor, reason, instead } = reported.data;
      return {
        type: reported.type,
        supersededSource: superseded_source,
        supersededId: superseded_id,
        actor,
        reason,
        instead: instead === undefined ? undefined : toCorrection(instead),
      };
    }
    case 'job.finished': {
      const { app, job } = reported.data;
      return { type: reported.type, app, job };
    }
  }
}

function toCorrection(instead: {
  readonly time?: string | undefined;
  readonly replicas?: number | undefined;
  readonly size?: number | undefined;
}): Correction {
  const { time, replicas, size } = instead;
  return {
    ...(time === undefined ? {} : { occurredAt: parseInstant(time)! }),
    ...(replicas === undefined ? {} : { replicas }),
    ...(size === undefined ? {} : { size }),
  };
}
