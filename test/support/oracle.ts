import type { Report } from './reports.ts';

/**
 * A second meter, written from the requirements alone: it walks every second of an account's life and adds
 * up what ran in it. Slow and obviously right. It shares no code with the product.
 */
export type OraclePeriod = {
  readonly start: number;
  readonly end: number;
  /** Tenths of replica-size-seconds by app, used and charged. */
  readonly apps: ReadonlyMap<string, Used>;
  /** Seconds by `database size`, used and charged. */
  readonly databases: ReadonlyMap<string, Used>;
  readonly totalCents: bigint;
};

/** `charged` in each of the eras. */
type Used = { used: number; charged: number[] };

/** What everything costs from a second on. */
export type OracleEra = {
  readonly from: number;
  /** In 10^-11 dollars. */
  readonly replicaSizeSecond: bigint;
  /** In cents, by size in tenths. */
  readonly databaseMonth: ReadonlyMap<number, bigint>;
  /** Undefined: the billing period. */
  readonly monthSeconds: bigint | undefined;
};

type Change = { readonly at: number; readonly order: string; readonly state: State };
type State = { readonly replicas: number; readonly tenths: number };
type Resource = {
  readonly kind: 'app' | 'database' | 'job';
  readonly app: string;
  readonly name: string;
  readonly changes: Change[];
};

const OFF: State = { replicas: 0, tenths: 0 };
export const DOCUMENTED_ERA: OracleEra = {
  from: 0,
  replicaSizeSecond: 1_866_786n,
  databaseMonth: new Map([
    [6, 2_500n],
    [17, 5_000n],
    [40, 40_000n],
    [80, 80_000n],
    [160, 160_000n],
    [320, 320_000n],
    [640, 640_000n],
    [1280, 1_280_000n],
  ]),
  monthSeconds: undefined,
};

/**
 * Periods given by their boundaries; `until` ends the count. Reports may come in any order, repeated. Eras
 * are in order, the first begins before everything.
 */
export function oracle(
  reports: readonly Report[],
  boundaries: readonly number[],
  until: number,
  eras: readonly OracleEra[] = [DOCUMENTED_ERA],
): OraclePeriod[] {
  const reported = [...new Map(reports.map((report) => [report.id, report])).values()];
  const facts = corrected(reported).filter((report) => secondOf(report) < until);
  const upgrades = facts.filter((fact) => fact.type === 'account.upgraded').map(secondOf);
  const chargedFrom = Math.min(Infinity, ...upgrades);
  const resources = resourcesOf(facts, reported);
  return boundaries.slice(0, -1).flatMap((start, index) => {
    const end = boundaries[index + 1]!;
    if (start > until) return [];
    const countTo = Math.min(end, until);
    const apps = new Map<string, Used>();
    const databases = new Map<string, Used>();
    for (const resource of resources) {
      walk(resource, start, countTo, chargedFrom, eras, apps, databases);
    }
    const totalCents = price(apps, databases, BigInt(end - start), eras);
    return [{ start, end, apps, databases, totalCents }];
  });
}

/** What remains when wrong reports are taken out and corrected ones put in their place. */
function corrected(reported: readonly Report[]): Report[] {
  const corrections = new Map(
    reported
      .filter((report) => report.type === 'event.superseded')
      .map((report) => [String(report.data.superseded_id), report]),
  );
  return reported.flatMap((report): Report[] => {
    const correction = corrections.get(report.id);
    if (correction === undefined) return [report];
    const { instead } = correction.data as { instead?: { replicas: number } };
    if (instead === undefined) return [];
    // What is true instead keeps the place of the wrong report.
    return [{ ...report, data: { ...report.data, ...instead } }];
  });
}

function walk(
  resource: Resource,
  from: number,
  to: number,
  chargedFrom: number,
  eras: readonly OracleEra[],
  apps: Map<string, Used>,
  databases: Map<string, Used>,
): void {
  const { changes } = resource;
  let next = 0;
  let state = OFF;
  let era = 0;
  for (let second = Math.max(from, changes[0]?.at ?? to); second < to; second++) {
    while (next < changes.length && changes[next]!.at <= second) state = changes[next++]!.state;
    while (era + 1 < eras.length && eras[era + 1]!.from <= second) era++;
    if (state.replicas === 0) continue;
    const isDatabase = resource.kind === 'database';
    const key = isDatabase ? `${resource.name} ${state.tenths}` : resource.app;
    const totals = isDatabase ? databases : apps;
    let sum = totals.get(key);
    if (sum === undefined) totals.set(key, (sum = { used: 0, charged: eras.map(() => 0) }));
    const amount = isDatabase ? 1 : state.replicas * state.tenths;
    sum.used += amount;
    if (second >= chargedFrom) sum.charged[era]! += amount;
  }
}

function price(
  apps: ReadonlyMap<string, Used>,
  databases: ReadonlyMap<string, Used>,
  periodSeconds: bigint,
  eras: readonly OracleEra[],
): bigint {
  let appPrice = 0n;
  for (const { charged } of apps.values()) {
    for (const [index, tenths] of charged.entries()) {
      appPrice += BigInt(tenths) * eras[index]!.replicaSizeSecond;
    }
  }
  let total = halfUp(appPrice, 10n * 10n ** 9n);
  for (const [key, { charged }] of databases) {
    const size = Number(key.split(' ').at(-1));
    let [numerator, denominator] = [0n, 1n];
    for (const [index, seconds] of charged.entries()) {
      const era = eras[index]!;
      const month = era.monthSeconds ?? periodSeconds;
      const share = era.databaseMonth.get(size)! * BigInt(seconds);
      [numerator, denominator] = [numerator * month + share * denominator, denominator * month];
    }
    total += halfUp(numerator, denominator);
  }
  return total;
}

function halfUp(numerator: bigint, denominator: bigint): bigint {
  return (numerator + denominator / 2n) / denominator;
}

function resourcesOf(facts: readonly Report[], all: readonly Report[]): Resource[] {
  const knownApps = new Set(
    all
      .filter((fact) => ['app.created', 'app.deployed', 'app.scaled'].includes(fact.type))
      .map((fact) => String(fact.data.app)),
  );
  const appOfDatabase = new Map(
    all
      .filter((fact) => fact.type === 'database.available' && knownApps.has(String(fact.data.app)))
      .map((fact) => [String(fact.data.database), String(fact.data.app)]),
  );
  const apps = [...knownApps].map((app): Resource => ({
    kind: 'app',
    app,
    name: app,
    changes: sorted(
      facts.flatMap((fact): Change[] => {
        if (fact.data.app !== app) return [];
        if (fact.type === 'app.deleted') return [changeOf(fact, OFF)];
        if (fact.type !== 'app.deployed' && fact.type !== 'app.scaled') return [];
        const replicas = Number(fact.data.replicas);
        return [changeOf(fact, { replicas, tenths: tenthsOf(fact) })];
      }),
    ),
  }));
  const databases = [...appOfDatabase].map(([name, app]): Resource => ({
    kind: 'database',
    app,
    name,
    changes: sorted(
      facts.flatMap((fact): Change[] => {
        if (fact.type === 'app.deleted' && fact.data.app === app) return [changeOf(fact, OFF)];
        if (fact.data.database !== name) return [];
        if (fact.type === 'database.deleted') return [changeOf(fact, OFF)];
        return [changeOf(fact, { replicas: 1, tenths: tenthsOf(fact) })];
      }),
    ),
  }));
  return [...apps, ...databases, ...jobsOf(facts, knownApps)];
}

function jobsOf(facts: readonly Report[], knownApps: ReadonlySet<string>): Resource[] {
  const jobs: Resource[] = [];
  for (const app of knownApps) {
    const ofApp = facts.filter((fact) => fact.data.app === app && fact.type.startsWith('job.'));
    for (const name of new Set(ofApp.map((fact) => String(fact.data.job)))) {
      const own = ofApp.filter((fact) => fact.data.job === name);
      const starts = sorted(
        own
          .filter((fact) => fact.type === 'job.started')
          .map((fact) => changeOf(fact, { replicas: 1, tenths: tenthsOf(fact) })),
      );
      const start = starts[0];
      if (start === undefined) continue;
      const ends = own
        .filter((fact) => fact.type === 'job.finished' && secondOf(fact) >= start.at)
        .map(secondOf);
      const end = Math.min(start.at + 300, ...ends);
      const changes = [start, { at: end, order: '', state: OFF }];
      jobs.push({ kind: 'job', app, name, changes: end === start.at ? [] : changes });
    }
  }
  return jobs;
}

function changeOf(fact: Report, state: State): Change {
  const fraction = /\.(\d+)/.exec(fact.time)?.[1]?.padEnd(9, '0') ?? '000000000';
  const { sequence } = fact;
  const rank =
    sequence === undefined
      ? '0'
      : /^\d+$/.test(sequence)
        ? `1${sequence.padStart(20, '0')}`
        : `2${sequence}`;
  return { at: secondOf(fact), order: `${fraction} ${rank}|${fact.id}`, state };
}

function sorted(changes: Change[]): Change[] {
  return changes.toSorted((a, b) => a.at - b.at || (a.order < b.order ? -1 : 1));
}

function secondOf(fact: Report): number {
  return Math.floor(Date.parse(fact.time) / 1000);
}

function tenthsOf(fact: Report): number {
  return Math.round(Number(fact.data.size) * 10);
}
