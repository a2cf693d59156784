import type { Fact } from './event.ts';

/** What must be known before an event can be recorded; until then it is parked (R61). */
export type Requirement = {
  readonly kind: 'account' | 'app' | 'database' | 'event';
  readonly name: string;
};

/**
 * Apps become known by `app.created`, `app.deployed` or `app.scaled` (a reported scale is always metered,
 * R12), databases by `database.available`. All other facts wait for what they speak of.
 */
export function requirementOf(fact: Fact): Requirement | undefined {
  switch (fact.type) {
    case 'app.deleted':
    case 'database.available':
    case 'job.started':
    case 'job.finished':
      return { kind: 'app', name: fact.app };
    case 'database.resized':
    case 'database.deleted':
    case 'database.rows_observed':
      return { kind: 'database', name: fact.database };
    case 'event.superseded':
      return { kind: 'event', name: eventName(fact.supersededSource, fact.supersededId) };
    case 'account.created':
    case 'account.confirmed':
    case 'account.upgraded':
    case 'account.deleted':
    case 'app.created':
    case 'app.deployed':
    case 'app.scaled':
      return undefined;
  }
}

/** An event within its account, as the name of something that is waited for. */
export function eventName(source: string, id: string): string {
  return JSON.stringify([source, id]);
}
