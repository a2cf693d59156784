import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Event } from '../../src/events/event.ts';
import { eventParser } from '../../src/events/parse-event.ts';
import {
  eventRecorder,
  recorderWithin,
  type RecordEvents,
} from '../../src/metering/record-events.ts';
import { platformRecording } from '../../src/platform/recording.ts';
import {
  applySnapshot,
  type SnapshotOptions,
  type SnapshotResult,
} from '../../src/sources/snapshots/apply-snapshot.ts';
import { compareSnapshot, type Held } from '../../src/sources/snapshots/compare-snapshot.ts';
import { findHeld } from '../../src/sources/snapshots/held-store.ts';
import {
  reportedResources,
  resourceKey,
  type Snapshot,
} from '../../src/sources/snapshots/snapshot.ts';
import { parseInstant } from '../../src/values/instant.ts';
import { freshDatabase, type TestDatabase } from '../support/database.ts';
import { delivered, history } from '../support/histories.ts';
import type { Report } from '../support/reports.ts';
import { accountSnapshot, heldIn, toldByTwo } from './support.ts';

const recording = platformRecording(eventParser(1000));
const now = new Date('2026-11-01T00:00:00Z');
let database: TestDatabase;
let record: RecordEvents;

beforeAll(async () => {
  database = await freshDatabase();
  record = eventRecorder({ db: database.db, ...recording });
});
afterAll(async () => await database.drop());

async function apply(snapshot: Snapshot, options?: SnapshotOptions): Promise<SnapshotResult> {
  const context = { db: database.db, record: recorderWithin(recording) };
  return await applySnapshot(context, now, snapshot, options);
}

async function countEvents(): Promise<bigint> {
  const { count } = await database.db
    .selectFrom('event')
    .select(({ fn }) => fn.countAll<bigint>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}

const sourceOf = (id: string): string => (id.length % 2 === 0 ? 'controller' : 'other');

const given = history.chain((one) => {
  const reports = toldByTwo(one, 'acme', sourceOf);
  const instants = reports.map(({ time }) => parseInstant(time)!);
  return fc.record({
    delivery: delivered(reports),
    snapshot: fc.record({
      source: fc.constantFrom('controller', 'other'),
      takenAt: fc.constantFrom(...instants),
      since: fc.constant(undefined),
      accounts: accountSnapshot('acme').map((of) => [of]),
    }),
  });
});

/** The account and the sources get names of their own, since all runs share one database. */
let runs = 0;
function renamed({ delivery, snapshot }: Given): Given & { readonly account: string } {
  runs += 1;
  const account = `account ${runs}`;
  const rename = (name: string): string => `${name} ${runs}`;
  return {
    account,
    delivery: delivery.map((report) => {
      const superseded = report.data.superseded_source;
      const named = typeof superseded === 'string' ? { superseded_source: rename(superseded) } : {};
      return {
        ...report,
        source: rename(report.source),
        data: { ...report.data, account, ...named },
      };
    }),
    snapshot: {
      ...snapshot,
      source: rename(snapshot.source),
      accounts: snapshot.accounts.map((one) => ({ ...one, account })),
    },
  };
}

type Given = { readonly delivery: readonly Report[]; readonly snapshot: Snapshot };

function read(report: unknown): Event {
  const parsed = recording.parse(report, now);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.refusal));
  return parsed.event;
}

test('of any history, however delivered, a snapshot leaves the meter as it says; twice is once, a dry run is nothing', async () => {
  await fc.assert(
    fc.asyncProperty(given, async (one) => {
      const { account, delivery, snapshot } = renamed(one);
      const { source, takenAt, accounts } = snapshot;
      await record(now, delivery);
      const named = reportedResources(accounts);
      const asked = { source, at: takenAt, named };
      const inMemory = heldIn(delivery.map(read), account, takenAt);
      const expected = compareSnapshot(source, accounts, inMemory);

      const recorded = await countEvents();
      const dry = await apply(snapshot, { isDryRun: true });
      expect(await countEvents()).toBe(recorded);
      const differences = dry.drift.flatMap((drift) => drift.differences);
      expect(differences.map(resourceKey).toSorted()).toEqual(
        expected.differences.map(resourceKey).toSorted(),
      );
      expect([dry.held, dry.missed]).toEqual([expected.held, expected.missed]);

      const { drift } = await apply(snapshot, { isForced: true });
      expect(drift).toEqual(dry.drift);
      const after = await findHeld(database.db, asked);
      const running = named.filter(({ state }) => state.replicas > 0);
      const names = new Set(named.map(resourceKey));
      const own = after.filter((held) => names.has(resourceKey(held)) || held.owner === source);
      expect(states(own.filter(isRunning))).toEqual(states(running));

      const once = await countEvents();
      const again = await apply(snapshot, { isForced: true });
      expect(await countEvents()).toBe(once);
      expect(again).toMatchObject({ drift: [], missed: 0, corrections: { recorded: 0 } });
    }),
    { numRuns: 20 },
  );
});

function isRunning({ state }: Held): boolean {
  return state !== undefined;
}

function states(of: readonly Pick<Held, 'account' | 'kind' | 'name' | 'state'>[]) {
  return Object.fromEntries(of.map((one) => [resourceKey(one), one.state]));
}
