import { admitEvents } from '../../src/events/admit-events.ts';
import type { Event } from '../../src/events/event.ts';
import { compareEvents } from '../../src/events/order.ts';
import { levelChangeOf } from '../../src/metering/series/level.ts';
import type { Held } from '../../src/sources/snapshots/compare-snapshot.ts';
import type { AccountSnapshot } from '../../src/sources/snapshots/snapshot.ts';
import type { Instant } from '../../src/values/instant.ts';
import fc from 'fast-check';
import type { History } from '../support/histories.ts';
import type { Report } from '../support/reports.ts';

/** The reports of a history as told by two sources, each of some of its resources, and sometimes by turns. */
export function toldByTwo(
  { reports }: History,
  account: string,
  sourceOf: (id: string) => string,
): Report[] {
  return reports.map((report) => ({
    ...report,
    source: sourceOf(report.id),
    data: {
      ...report.data,
      account,
      ...(report.type === 'event.superseded'
        ? { superseded_source: sourceOf(String(report.data.superseded_id)) }
        : {}),
    },
  }));
}

const size = fc.constantFrom(2, 5, 10, 37);
const replicas = fc.constantFrom(0, 1, 2, 3);

/** What a source may run of an account of a history. */
export function accountSnapshot(account: string): fc.Arbitrary<AccountSnapshot> {
  return fc.record({
    account: fc.constant(account),
    apps: fc.uniqueArray(
      fc.record({
        app: fc.constantFrom('api', 'web', 'new'),
        replicas,
        sizeTenths: size,
      }),
      { selector: ({ app }) => app },
    ),
    databases: fc.uniqueArray(
      fc.constantFrom('api', 'web', 'unheard').chain((app) =>
        fc.record({
          app: fc.constant(app),
          database: fc.constant(`${app}-db`),
          sizeTenths: fc.constantFrom(6, 17, 1280),
        }),
      ),
      { selector: ({ database }) => database },
    ),
  });
}

/**
 * A second way to what the meter holds of an account at an instant: from its events in memory, as they stand
 * after all of them arrived.
 */
export function heldIn(events: readonly Event[], account: string, at: Instant): Held[] {
  const admitted = admitEvents(events).byAccount.get(account);
  const standing = (admitted?.events ?? []).toSorted(compareEvents);
  const reporters = reportersBy(events, at);
  const apps = new Set(
    events.flatMap(({ fact }) =>
      ['app.created', 'app.deployed', 'app.scaled'].includes(fact.type) && 'app' in fact
        ? [fact.app]
        : [],
    ),
  );
  const resources = new Map<string, Held>();
  for (const app of apps) {
    resources.set(`app ${app}`, { ...NOTHING, account, kind: 'app', name: app, app });
  }
  for (const event of standing) {
    const change = levelChangeOf(event.fact);
    if (change === undefined || change.meter === 'job' || isAfter(event.occurredAt, at)) continue;
    const { meter: kind, resource: name, level, sizeTenths } = change;
    const key = `${kind} ${name}`;
    const before = resources.get(key);
    const app = kind === 'app' ? name : admitted!.appOfDatabase.get(name)!;
    resources.set(key, {
      account,
      kind,
      name,
      app,
      isKnown: true,
      lastAt: event.occurredAt,
      state:
        level === 0 ? undefined : { replicas: kind === 'app' ? level / sizeTenths : 1, sizeTenths },
      owner: event.source === 'gigameter' ? (before?.owner ?? reporters.get(key)) : event.source,
    });
  }
  return [...resources.values()];
}

/** Who reported what last, also in reports that were superseded since. */
function reportersBy(events: readonly Event[], at: Instant): ReadonlyMap<string, string> {
  const reporters = new Map<string, string>();
  for (const { fact, source, occurredAt } of events.toSorted(compareEvents)) {
    const change = levelChangeOf(fact);
    if (change === undefined || isAfter(occurredAt, at)) continue;
    reporters.set(`${change.meter} ${change.resource}`, source);
  }
  return reporters;
}

const NOTHING = { state: undefined, lastAt: undefined, owner: undefined, isKnown: true };

function isAfter(a: Instant, b: Instant): boolean {
  return a.second === b.second ? a.fraction > b.fraction : a.second > b.second;
}
