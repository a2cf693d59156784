import { sql } from 'kysely';
import { rowsOf } from '../database/cursor.ts';
import { UnreadableEvent } from '../metering/series/event-row.ts';
import type { Meter } from '../metering/series/level.ts';
import { MAX_JOB_SECONDS } from '../metering/series/level.ts';
import { gatherUsage, type Usage, type UsagePart, type Window } from '../metering/usage/usage.ts';
import { earlier, later, type Second } from '../values/instant.ts';
import { DATABASE_SIZES, toTenths } from '../values/size.ts';
import { counts, type Known } from '../invoicing/explaining/level-events.ts';
import type { Facts } from './facts.ts';

/** Windows in their order that do not overlap, to be told by what was known at a recording. */
export type Asked = { readonly knownBy: bigint; readonly windows: readonly Window[] };

/**
 * What an account used within each window, by its raw facts alone: without series or checkpoints, and apart from
 * the segments by which usage is estimated. One pass over the facts, resource by resource, whatever is asked;
 * memory grows with what is answered, not with the history.
 */
export async function usageKnownBy(
  facts: Facts,
  asked: readonly Asked[],
): Promise<readonly (readonly Usage[])[]> {
  const tallies = asked.map(tallyOf);
  const appOf = await appsOfDatabases(facts);
  let resource: string | undefined;
  for await (const row of rowsOf(facts.tx, 'changes', changesOf(facts))) {
    const change = { ...row, app: row.app ?? appOf.get(row.resource) };
    const name = JSON.stringify([row.meter, row.meter === 'job' && row.app, row.resource]);
    if (name !== resource) for (const tally of tallies) tally.end();
    resource = name;
    for (const tally of tallies) if (counts(row, tally.knownBy)) tally.take(change);
  }
  return tallies.map((tally) => tally.result());
}

type Row = Known & {
  readonly meter: Meter;
  readonly resource: string;
  /** Null where a database is spoken of that is known already. */
  readonly app: string | null;
  readonly at: Second;
  readonly level: bigint;
  readonly sizeTenths: number;
};

type Change = Omit<Row, 'app'> & { readonly app: string | undefined };

/** Resource by resource, in the order of events. A job's name is its app's own, a database's is the account's. */
function changesOf({ rows }: Facts) {
  return sql<Row>`
    select meter, resource, app, at, level, size_tenths as "sizeTenths", recording,
      superseded_in as "supersededIn"
    from ${rows} fact where meter is not null
    order by meter, case when meter = 'job' then app end, resource, at, tie, event_id, source`;
}

/** Known even when the report that told it was superseded; the first stays. */
async function appsOfDatabases({ tx, rows }: Facts): Promise<ReadonlyMap<string, string>> {
  const { rows: found } = await sql<{ readonly database: string; readonly app: string }>`
    select distinct on (resource) resource as database, app from ${rows} fact
    where type = 'database.available' order by resource, recording`.execute(tx);
  return new Map(found.map(({ database, app }) => [database, app]));
}

/** Adds up what was used within the windows, from the changes of one resource after the other. */
function tallyOf({ knownBy, windows }: Asked) {
  const used = windows.map(() => new Map<string, UsagePart>());
  let open: Change | undefined;
  /** Of a job: the last end before its first start. */
  let endedAt: Second | undefined;
  let isOver = false;
  /** The first window that the resource's changes have not passed yet. */
  let near = 0;

  const use = (change: Change, level: bigint, from: Second, to: Second | undefined): void => {
    while (near < windows.length && windows[near]!.to <= from) near += 1;
    for (let index = near; index < windows.length; index += 1) {
      const window = windows[index]!;
      if (to !== undefined && window.from >= to) return;
      const seconds =
        (to === undefined ? window.to : earlier(to, window.to)) - later(from, window.from);
      if (seconds > 0n) add(used[index]!, change, level * seconds);
    }
  };
  const takeLevel = (change: Change): void => {
    if (open !== undefined && open.level > 0n) use(open, open.level, open.at, change.at);
    open = change;
  };
  /** From its first start to the first end after that, five minutes at most (R14). */
  const endJob = (started: Change, at: Second | undefined): void => {
    const limit = started.at + MAX_JOB_SECONDS;
    use(
      started,
      BigInt(started.sizeTenths),
      started.at,
      at === undefined ? limit : earlier(at, limit),
    );
    isOver = true;
  };
  const takeJob = (change: Change): void => {
    if (isOver) return;
    if (change.level === 0n && open === undefined) endedAt = change.at;
    else if (change.level === 0n) endJob(open!, change.at);
    else if (open === undefined) {
      open = change;
      if (endedAt === change.at) endJob(change, endedAt);
    }
  };

  return {
    knownBy,
    take: (change: Change): void => (change.meter === 'job' ? takeJob : takeLevel)(change),
    /** No more changes of this resource follow. */
    end: (): void => {
      if (open?.meter === 'job' && !isOver) endJob(open, undefined);
      else if (open !== undefined && open.meter !== 'job' && open.level > 0n) {
        use(open, open.level, open.at, undefined);
      }
      open = undefined;
      endedAt = undefined;
      isOver = false;
      near = 0;
    },
    result(): Usage[] {
      this.end();
      return used.map((parts) => gatherUsage([...parts.values()]));
    },
  };
}

/** Jobs are used by their apps. */
function add(
  parts: Map<string, UsagePart>,
  { meter, resource, app, sizeTenths }: Change,
  units: bigint,
): void {
  // Nobody said whose it is: such a database cannot be charged.
  if (app === undefined) return;
  if (meter === 'database' && !SIZES.has(sizeTenths)) {
    throw new UnreadableEvent(`a database is stored with size ${sizeTenths}`);
  }
  const part =
    meter === 'database'
      ? { meter, app, resource, sizeTenths }
      : { meter: 'app' as const, app, resource: app, sizeTenths: 0 };
  const key = JSON.stringify([part.meter, part.resource, part.sizeTenths]);
  parts.set(key, { ...part, units: (parts.get(key)?.units ?? 0n) + units });
}

const SIZES = new Set(DATABASE_SIZES.map(toTenths));
