import type pg from 'pg';
import { numberArray, textArray } from '../../src/database/arrays.ts';
import { eventParser } from '../../src/events/parse-event.ts';
import { eventRecorder, type RecordEvents } from '../../src/metering/record-events.ts';
import { prepareMonths } from '../../src/metering/months.ts';
import {
  CONTENT_COLUMNS,
  newEvent,
  type NewEvent,
} from '../../src/metering/recording/new-event.ts';
import { platformRecording } from '../../src/platform/recording.ts';
import type { Figure } from '../figures.ts';
import { measure, median, perEvent, sumOf, type Cost } from '../measure.ts';
import { newOracle, type Oracle } from '../oracle.ts';
import { inParts } from '../parts.ts';
import { seeded, type Random } from '../random.ts';
import {
  END,
  NOW,
  SIGNED_UP,
  accountReports,
  scaleReports,
  withLate,
  type Report,
} from '../reports.ts';
import type { Scenario, Size } from '../scenario.ts';
import { recordWithHistory } from './ingest-with-history.ts';
import type { BenchDatabase, Servers } from '../servers.ts';

const SIZES: Readonly<Record<Size, { accounts: number; rounds: number; events: number }>> = {
  small: { accounts: 200, rounds: 1, events: 5_000 },
  default: { accounts: 2_000, rounds: 3, events: 20_000 },
  large: { accounts: 10_000, rounds: 5, events: 100_000 },
};
const BATCHES = [1000, 5000];

/**
 * Recording through the verb (parsed, idempotent, limits watched, integrals kept, one connection, each batch
 * on disk) beside COPY and a plain INSERT of the same rows (facts and their identities) into tables with the same
 * indexes.
 */
export const ingest: Scenario = {
  name: 'a',
  about: 'recording events, against COPY and INSERT of the same rows',
  run: async (servers, size) => {
    const bench = await openIngest(servers, size);
    const figures: Figure[] = [];
    for (const batch of BATCHES) figures.push(...(await compare(bench, batch)));
    figures.push(...(await compareOrders(bench)));
    await bench.oracle.check(bench.database.db);
    await bench.database.drop();
    figures.push(await recordWithHistory(servers, size));
    return figures;
  },
};

type Ingest = {
  readonly servers: Servers;
  readonly database: BenchDatabase;
  readonly record: RecordEvents;
  readonly oracle: Oracle;
  readonly random: Random;
  readonly size: (typeof SIZES)[Size];
  /** Where the next events begin: a share of the month from 0 to 1. */
  readonly nextStretch: () => readonly [number, number];
};

async function openIngest(servers: Servers, size: Size): Promise<Ingest> {
  const database = await servers.makeDatabase();
  await prepareMonths(database.db, NOW);
  for (const limit of ['copied', 'inserted']) {
    await database.pool.query(`
      create table ${limit}_event_identity (like event_identity including all);
      create table ${limit}_event (like event including all) partition by range (recorded_at);
      create table ${limit}_event_of_month partition of ${limit}_event default`);
  }
  const record = eventRecorder({ db: database.db, ...platformRecording(eventParser(1000)) });
  const random = seeded(1);
  const { accounts } = SIZES[size];
  for (let from = 0; from < accounts; from += 1000) {
    await record(NOW, accountReports(random, from, Math.min(from + 1000, accounts)));
  }
  let stretch = 0;
  const step = (END - SIGNED_UP) / 100;
  const nextStretch = (): readonly [number, number] => {
    stretch += 1;
    return [SIGNED_UP + Math.floor(stretch * step), SIGNED_UP + Math.floor((stretch + 1) * step)];
  };
  const oracle = newOracle();
  const first = scaleReports(random, 10_000, { from: 0, to: accounts }, nextStretch());
  for (const part of inParts(first, 1000)) await record(NOW, part);
  oracle.heard(first);
  // As autovacuum does within a minute; planned for empty tables, look-ups read whole accounts.
  await database.pool.query('vacuum analyze');
  return { servers, database, record, oracle, random, size: SIZES[size], nextStretch };
}

/** Three ways of the same rows into three tables, batch by batch in turns. */
async function compare(bench: Ingest, batch: number): Promise<Figure[]> {
  const { database, random, servers, size } = bench;
  const client = await database.pool.connect();
  const ways = {
    record: async (part: Part) => await bench.record(NOW, part.reports),
    copy: async (part: Part) => await copy(client, part.rows),
    insert: async (part: Part) => await insert(client, part.rows),
  };
  const names = ['record', 'copy', 'insert'] as const;
  const costs: Record<keyof typeof ways, Cost[]> = { copy: [], insert: [], record: [] };
  for (let round = 0; round <= size.rounds; round++) {
    const all = { from: 0, to: size.accounts };
    const reports = scaleReports(random, size.events, all, bench.nextStretch());
    const turn: Record<keyof typeof ways, Cost[]> = { copy: [], insert: [], record: [] };
    for (const part of inParts(reports, batch)) {
      const both = { reports: part, rows: rowsOf(part) };
      for (const name of random.shuffled(names)) {
        turn[name].push(await measure(servers.postmaster, async () => await ways[name](both)));
      }
    }
    bench.oracle.heard(reports);
    // The first round fills caches and plans.
    if (round > 0) for (const name of names) costs[name].push(sumOf(turn[name]));
  }
  client.release();
  const figure = (what: string, limit: Cost[], atLeast: number): Figure => ({
    scenario: 'a',
    what: `recording in batches of ${batch}, of ${what}`,
    measured: perEvent(costs.record, size.events),
    limit: perEvent(limit, size.events),
    ratio: median(limit.map((cost, round) => cost.wallUs / costs.record[round]!.wallUs)),
    target: { atLeast },
  });
  return [figure('COPY', costs.copy, 0.5), figure('plain INSERT', costs.insert, 0.6)];
}

/** What disorder costs, against the same number of events in order. */
async function compareOrders(bench: Ingest): Promise<Figure[]> {
  const { rounds, events, accounts } = bench.size;
  const { random } = bench;
  const all = { from: 0, to: accounts };
  const hot = { from: accounts - 1, to: accounts, apps: 1 };
  const make = (stream: typeof all): Report[] =>
    scaleReports(random, events, stream, bench.nextStretch());
  let last: Report[] = [];
  const kinds = {
    'in order': () => (last = make(all)),
    '10 % late': () => withLate(random, make(all)),
    'fully shuffled': () => random.shuffled(make(all)),
    'fully reversed': () => make(all).toReversed(),
    'one hot resource, in order': () => make(hot),
    'one hot resource, shuffled': () => random.shuffled(make(hot)),
    'all duplicates': () => last,
  };
  const most: Readonly<Record<string, number>> = {
    'fully shuffled': 1.3,
    'fully reversed': 1.6,
    'one hot resource, shuffled': 2,
    'all duplicates': 0.5,
  };
  const costs = new Map<string, Cost[]>();
  for (let round = 0; round < rounds; round++) {
    for (const [kind, reportsOf] of Object.entries(kinds)) {
      const reports = reportsOf();
      const cost = await costOf(bench, inParts(reports, 1000), async (part) => {
        await bench.record(NOW, part);
      });
      bench.oracle.heard(reports);
      costs.set(kind, [...(costs.get(kind) ?? []), cost]);
    }
  }
  const inOrder = costs.get('in order')!;
  return Object.keys(kinds).flatMap((kind): Figure[] => {
    if (kind === 'in order') return [];
    const atMost = most[kind];
    const ratios = costs.get(kind)!.map((cost, round) => cost.wallUs / inOrder[round]!.wallUs);
    return [
      {
        scenario: 'a',
        what: `${kind}, of the cost in order`,
        measured: perEvent(costs.get(kind)!, events),
        limit: perEvent(inOrder, events),
        ratio: median(ratios),
        ...(atMost === undefined ? {} : { target: { atMost } }),
      },
    ];
  });
}

async function costOf(
  { servers }: Ingest,
  parts: readonly Report[][],
  write: (part: Report[]) => Promise<unknown>,
): Promise<Cost> {
  const costs: Cost[] = [];
  for (const part of parts) {
    costs.push(await measure(servers.postmaster, async () => await write(part)));
  }
  return sumOf(costs);
}

const parse = eventParser(1000);
const IDENTITY = 'account_id, source, event_id, fingerprint, recording, recorded_at';
const EVENT = `account_id, source, event_id, ${CONTENT_COLUMNS}, recording, recorded_at`;

type Part = { readonly reports: readonly Report[]; readonly rows: readonly NewEvent[] };

/** The rows a batch is stored as; the limits are given them, while recording has to read and check reports. */
function rowsOf(reports: readonly Report[]): NewEvent[] {
  return reports.map((one) => {
    const parsed = parse(one, NOW);
    if (!parsed.ok) throw new Error(`a report of the bench is refused: ${parsed.refusal.rule}`);
    return newEvent(parsed.event);
  });
}

/** Facts and identities, as recording keeps them, and nothing else. */
async function copy(client: pg.ClientBase, rows: readonly NewEvent[]): Promise<void> {
  const recorded = `1\t${NOW.toISOString()}\n`;
  const identities = rows.map(
    ({ identityText, fingerprint }) => `${identityText}\t\\\\x${fingerprint}\t${recorded}`,
  );
  const events = rows.map(
    ({ identityText, contentText }) => `${identityText}\t${contentText}\t${recorded}`,
  );
  await client.query('begin');
  await client.query(`copy copied_event_identity (${IDENTITY}) from stdin`, [identities.join('')]);
  await client.query(`copy copied_event (${EVENT}) from stdin`, [events.join('')]);
  await client.query('commit');
}

const INSERT = `/* prepare bench_insert */
  with given as (
    select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[],
      $8::text[], $9::text[], $10::text[], $11::bigint[], $12::int[])
      as given (account_id, source, event_id, fingerprint, type, at, tie, meter, resource, app, level, size_tenths)
  ),
  identified as (
    insert into inserted_event_identity (${IDENTITY})
    select account_id, source, event_id, decode(fingerprint, 'hex'), 1, $13::timestamptz from given
    on conflict do nothing
  )
  insert into inserted_event (account_id, source, event_id, type, at, tie, meter, resource, app, level, size_tenths,
    recording, recorded_at)
  select account_id, source, event_id, type, at, tie, meter, resource, app, level, size_tenths, 1, $13::timestamptz
  from given on conflict do nothing`;

async function insert(client: pg.ClientBase, rows: readonly NewEvent[]): Promise<void> {
  await client.query(INSERT, [
    textArray(rows.map(({ event }) => event.account)),
    textArray(rows.map(({ event }) => event.source)),
    textArray(rows.map(({ event }) => event.id)),
    textArray(rows.map(({ fingerprint }) => fingerprint)),
    textArray(rows.map(({ row }) => row.type)),
    numberArray(rows.map(({ row }) => row.at)),
    textArray(rows.map(({ row }) => row.tie)),
    textArray(rows.map(({ row }) => row.meter)),
    textArray(rows.map(({ row }) => row.resource)),
    textArray(rows.map(({ row }) => row.app)),
    numberArray(rows.map(({ row }) => row.level)),
    numberArray(rows.map(({ row }) => row.sizeTenths)),
    NOW,
  ]);
}
