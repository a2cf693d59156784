import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Event } from '../../../src/events/event.ts';
import { eventParser } from '../../../src/events/parse-event.ts';
import { compareSnapshot, type Held } from '../../../src/sources/snapshots/compare-snapshot.ts';
import { correctionsOf } from '../../../src/sources/snapshots/corrections.ts';
import type { AccountSnapshot, Snapshot, State } from '../../../src/sources/snapshots/snapshot.ts';
import { parseInstant, type Instant } from '../../../src/values/instant.ts';
import { history } from '../../support/histories.ts';
import { accountSnapshot, heldIn, toldByTwo } from '../support.ts';

const parse = eventParser(1000);
const now = new Date('2026-11-01T00:00:00Z');
const account = 'acme';
const sourceOf = (id: string): string => (id.length % 2 === 0 ? 'controller' : 'other');

const given = history.chain(({ reports, ...rest }) => {
  const told = toldByTwo({ reports, ...rest }, account, sourceOf);
  const instants = told.map(({ time }) => parseInstant(time)!);
  return fc.record({
    events: fc.constant(told.map(read)),
    snapshot: fc.record({
      source: fc.constantFrom('controller', 'other', 'newcomer'),
      takenAt: fc.constantFrom(...instants),
      accounts: accountSnapshot(account).map((one) => [one]),
    }),
    earlier: fc.constantFrom(...instants),
  });
});

function read(report: unknown): Event {
  const parsed = parse(report, now);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.refusal));
  return parsed.event;
}

type Given = { readonly events: readonly Event[]; readonly snapshot: Snapshot };

/** The events with the corrections that a snapshot asks for, given that all have arrived. */
function corrected({ events, snapshot }: Given): { all: Event[]; corrections: Event[] } {
  const { source, accounts, takenAt } = snapshot;
  const all = [...events];
  const corrections: Event[] = [];
  // A correction may let in what had waited for its app.
  for (let round = 0; round < 3; round += 1) {
    const compared = compareSnapshot(source, accounts, heldIn(all, account, takenAt));
    const more = correctionsOf(snapshot, compared).map(read);
    all.push(...more);
    corrections.push(...more);
  }
  return { all, corrections };
}

/** What must run: all the snapshot names, and what others reported last and it does not name. */
function expected(before: readonly Held[], { source }: Snapshot, snapshot: AccountSnapshot) {
  const named = new Set([
    ...snapshot.apps.map(({ app }) => `app ${app}`),
    ...snapshot.databases.map(({ database }) => `database ${database}`),
  ]);
  return Object.fromEntries([
    ...Object.entries(running(before.filter((one) => one.owner !== source))).filter(
      ([key]) => !named.has(key),
    ),
    ...snapshot.apps
      .filter(({ replicas }) => replicas > 0)
      .map(({ app, replicas, sizeTenths }) => [`app ${app}`, { replicas, sizeTenths }]),
    ...snapshot.databases.map(({ database, sizeTenths }) => [
      `database ${database}`,
      { replicas: 1, sizeTenths },
    ]),
  ]);
}

function running(held: readonly Held[]): Record<string, State> {
  return Object.fromEntries(
    held.flatMap(({ kind, name, state }) =>
      state === undefined ? [] : [[`${kind} ${name}`, state]],
    ),
  );
}

test('with its corrections the meter holds at its instant what the snapshot names, and of other sources what it held', () => {
  fc.assert(
    fc.property(given, ({ events, snapshot: { ...snapshot } }) => {
      const whole: Snapshot = { ...snapshot, since: undefined };
      const { takenAt, accounts } = whole;
      const before = heldIn(events, account, takenAt);
      const { all } = corrected({ events, snapshot: whole });
      // Databases that waited for an app which the snapshot made known are new, and owned by their reporter.
      const after = heldIn(all, account, takenAt);
      const told = expected([...before, ...letIn(before, after)], whole, accounts[0]!);
      expect(running(after)).toEqual(told);
    }),
    { numRuns: 300 },
  );
});

function letIn(before: readonly Held[], after: readonly Held[]): Held[] {
  const known = new Set(before.map(({ kind, name }) => `${kind} ${name}`));
  return after.filter(({ kind, name }) => !known.has(`${kind} ${name}`));
}

test('a snapshot is corrected once: with its corrections nothing differs any more', () => {
  fc.assert(
    fc.property(given, ({ events, snapshot, earlier }) => {
      const since = isAfter(earlier, snapshot.takenAt) ? undefined : earlier;
      const whole: Snapshot = { ...snapshot, since };
      const { all } = corrected({ events, snapshot: whole });
      const again = compareSnapshot(
        whole.source,
        whole.accounts,
        heldIn(all, account, whole.takenAt),
      );
      expect(again).toMatchObject({ differences: [], missed: 0 });
    }),
    { numRuns: 200 },
  );
});

test('no correction is earlier than the snapshot, or than the instant told and the last event of its resource', () => {
  fc.assert(
    fc.property(given, ({ events, snapshot, earlier }) => {
      const { takenAt } = snapshot;
      for (const { occurredAt } of corrected({
        events,
        snapshot: { ...snapshot, since: undefined },
      }).corrections) {
        expect(occurredAt).toEqual(takenAt);
      }
      if (isAfter(earlier, takenAt)) return;
      const { corrections } = corrected({ events, snapshot: { ...snapshot, since: earlier } });
      for (const { occurredAt } of corrections) {
        expect(isAfter(earlier, occurredAt)).toBe(false);
        expect(isAfter(occurredAt, takenAt)).toBe(false);
      }
    }),
    { numRuns: 200 },
  );
});

function isAfter(a: Instant, b: Instant): boolean {
  return a.second === b.second ? a.fraction > b.fraction : a.second > b.second;
}
